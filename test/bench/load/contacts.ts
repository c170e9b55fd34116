import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { Job } from './job.ts'

const ROUNDS = 3
/** Longer than any server takes from a request to its delivery. */
const STALLED_MS = 60_000
const REQUEST = /<presence\s[^>]*type=['"]subscribe['"][^>]*?(?:\/>|>)/g

/** Makes contacts of people who are online, both ways; resolves when all rosters say so. */
export async function befriend(clients: readonly Client[], job: Job): Promise<void> {
  const contacts = job.senders < clients.length ? star(clients, job) : ring(clients, job)
  let missing = clients.map(client => ({ client, open: contacts[client.index]! }))
  for (let round = 0; missing.length > 0; round++) {
    // What goes lost once is asked for once more; what is lost every time is a fault.
    if (round === ROUNDS) throw new Error(`${missing.length} rosters are not complete`)
    await askAndGrant(clients, missing)
    const found: typeof missing = []
    for (const { client, open } of missing) {
      const known = await mutual(client)
      const left = open.filter(({ bare }) => !known.has(bare))
      if (left.length > 0) found.push({ client, open: left })
    }
    missing = found
  }
}

/** Sends all requests and says yes to those that arrive, until all have, or none has for a while. */
async function askAndGrant(
  clients: readonly Client[],
  asking: readonly { client: Client; open: Client[] }[],
): Promise<void> {
  let granted = 0
  for (const client of clients) client.onChunk = grant(client, count => (granted += count))
  for (const { client, open } of asking) {
    client.write(open.map(({ bare }) => `<presence type='subscribe' to='${bare}'/>`).join(''))
  }
  const requests = asking.reduce((sum, { open }) => sum + open.length, 0)
  for (let seen = -1, since = Date.now(); granted < requests && Date.now() - since < STALLED_MS; await sleep(100)) {
    if (granted > seen) since = Date.now()
    seen = granted
  }
  for (const client of clients) client.onChunk = undefined
}

/** Everybody knows the same number of people on both sides. */
function ring(clients: readonly Client[], { contacts }: Job): Client[][] {
  const steps = Array.from({ length: contacts / 2 }, (_, index) => index + 1)
  const at = (index: number) => clients[(index + clients.length) % clients.length]!
  return clients.map(({ index }) => steps.flatMap(step => [at(index + step), at(index - step)]))
}

/** Some know everybody else, and everybody else knows them. */
function star(clients: readonly Client[], { senders, contacts }: Job): Client[][] {
  const [middle, others] = [clients.slice(0, senders), clients.slice(senders, senders + contacts)]
  return clients.map(({ index }) => (index < senders ? others : middle))
}

/** Says yes to whoever asks, and tells how many did. */
function grant(client: Client, onGranted: (count: number) => void): (chunk: Buffer) => void {
  let rest = ''
  return chunk => {
    rest += chunk.toString('latin1')
    const askers = [...rest.matchAll(REQUEST)].map(([request]) => /\sfrom=['"]([^'"]+)/.exec(request)![1]!)
    rest = rest.slice(rest.lastIndexOf('>') + 1)
    if (askers.length === 0) return
    client.write(askers.map(from => `<presence type='subscribed' to='${from}'/>`).join(''))
    onGranted(askers.length)
  }
}

/** Whose roster entry says that both see one another. */
async function mutual(client: Client): Promise<Set<string>> {
  const roster = await client.request('get', "<query xmlns='jabber:iq:roster'/>")
  const items = [...roster.matchAll(/<item[^>]*>/g)].map(([item]) => item)
  return new Set(
    items.filter(item => /subscription=['"]both/.test(item)).map(item => /jid=['"]([^'"]+)/.exec(item)![1]!),
  )
}
