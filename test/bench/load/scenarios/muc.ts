import type { Client } from '../client.ts'
import { loginAll } from '../clients.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure, pool } from '../measure.ts'

const MUC = 'http://jabber.org/protocol/muc'
/** Lines of each speaker that are under way. */
const UNDER_WAY = 4
const AT_ONCE = 8

/**
 * Rooms with the same number of people; one in each speaks as soon as the own line has come back. A unit is a copy that
 * arrived. `join`: ms until the last one was in.
 */
export async function muc(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  const roomOf = ({ index }: Client) => `room${index % job.rooms}@conference.${job.domain}`
  const enter = async (client: Client) => {
    client.write(
      `<presence to='${roomOf(client)}/n${client.index}'><x xmlns='${MUC}'><history maxstanzas='0'/></x></presence>`,
    )
    await client.until(/code=['"]110['"]/)
  }
  const speakers = clients.slice(0, job.rooms)
  for (const speaker of speakers) {
    await enter(speaker)
    await speaker.request(
      'set',
      `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>`,
      roomOf(speaker),
    )
  }
  const rest = clients.slice(job.rooms)
  await pool(rest.length - 1, AT_ONCE, index => enter(rest[index]!))
  const began = performance.now()
  await enter(rest.at(-1)!)
  const join = performance.now() - began

  const text = 'x'.repeat(job.body)
  let arrived = 0
  for (const client of clients) {
    const line = `<message to='${roomOf(client)}' type='groupchat' id='g'><body>${text}</body></message>`
    const speaks = client.index < job.rooms
    client.onChunk = feed({
      end: '</message>',
      onStanzas: count => {
        arrived += count
        if (speaks) client.write(line.repeat(count))
      },
    })
    if (speaks) client.write(line.repeat(UNDER_WAY))
  }
  return { join, ...(await measure(job, () => arrived)) }
}
