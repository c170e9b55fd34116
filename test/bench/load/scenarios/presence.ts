import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../client.ts'
import { loginAll } from '../clients.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'

const ROUNDS = 60

/**
 * A ring of people who all know those next to them. Each changes presence as soon as the own copy of the last change
 * has come back. A unit is a copy that arrived.
 */
export async function presence(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  await befriend(clients, job.contacts)
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
    change()
  }
  return { contacts: job.contacts, ...(await measure(job, () => arrived)) }
}

/** Subscribes everybody to `contacts` neighbours, both ways; resolves when all rosters say so. */
async function befriend(clients: readonly Client[], contacts: number): Promise<void> {
  const neighbours = clients.map(({ index }) =>
    Array.from({ length: contacts / 2 }, (_, step) => step + 1).flatMap(step => [
      clients[(index + step) % clients.length]!,
      clients[(index - step + clients.length) % clients.length]!,
    ]),
  )
  const tellAll = (client: Client, type: string, to: readonly Client[]) =>
    client.write(to.map(({ bare }) => `<presence type='${type}' to='${bare}'/>`).join(''))
  for (const client of clients) tellAll(client, 'subscribe', neighbours[client.index]!)
  for (let round = 0, missing = [...clients]; missing.length > 0; round++) {
    if (round === ROUNDS) throw new Error(`${missing.length} rosters are not complete`)
    // What was granted before the request had arrived was for nothing: those that are missing are told once more.
    await sleep(1000)
    const again: Client[] = []
    for (const client of missing) {
      const roster = await client.request('get', "<query xmlns='jabber:iq:roster'/>")
      const items = [...roster.matchAll(/<item[^>]*>/g)].map(([item]) => item)
      const both = new Set(
        items.filter(item => /subscription=['"]both/.test(item)).map(item => /jid=['"]([^'"]+)/.exec(item)![1]),
      )
      const open = neighbours[client.index]!.filter(({ bare }) => !both.has(bare))
      if (open.length === 0) continue
      again.push(client)
      tellAll(client, 'subscribed', open)
      if (round % 4 === 3) tellAll(client, 'subscribe', open)
    }
    missing = again
  }
}
