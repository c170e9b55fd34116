import { setTimeout as sleep } from 'node:timers/promises'
import { acknowledge, loginAll, peerOf } from '../clients.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'
import { chat } from '../stanzas.ts'

/** Pairs that answer each message with one, `window` under way in each direction. A unit is a message that arrived. */
export async function message(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  await sleep(500)
  let arrived = 0
  for (const client of clients) {
    const stanza = chat(peerOf(client, clients).jid, `m${client.index}`, job.body)
    client.onChunk = feed({
      end: '</message>',
      onStanzas: count => {
        arrived += count
        client.write(stanza.repeat(count))
      },
      ...(job.acknowledged ? { onAsked: acknowledge(client) } : {}),
    })
  }
  for (const client of clients) client.write(chat(peerOf(client, clients).jid, 'm', job.body).repeat(job.window))
  return measure(job, () => arrived)
}
