import { loginAll } from '../clients.ts'
import { befriend } from '../contacts.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'

/**
 * People change their presence as soon as the own copy of the last change has come back: everybody in a ring where each
 * knows those next to them, or `senders` of them whom all others know. A unit is a copy that arrived.
 */
export async function presence(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  await befriend(clients, job)
  let arrived = 0
  for (const client of clients) {
    const own = [Buffer.from(`from='${client.jid}'`), Buffer.from(`from="${client.jid}"`)]
    let changes = 0
    const change = () =>
      client.write(
        `<presence><show>${changes++ % 2 ? 'away' : 'dnd'}</show><status>load ${changes}</status></presence>`,
      )
    client.onChunk = feed({
      end: '</presence>',
      onStanzas: (count, bytes) => {
        arrived += count
        for (const needle of own) {
          for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + needle.length)) change()
        }
      },
    })
    if (client.index < job.senders) change()
  }
  return { contacts: job.contacts, ...(await measure(job, () => arrived)) }
}
