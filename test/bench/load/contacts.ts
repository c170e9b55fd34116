import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { Job } from './job.ts'

const PAUSE_MS = 500
const ROUNDS = 60
/** Longer than any server takes from a request to its delivery. */
const STALLED_MS = 60_000
const REQUEST = /<presence\s[^>]*type=['"]subscribe['"][^>]*?(?:\/>|>)/g

/** Makes contacts of people who are online, both ways; resolves when all rosters say so. */
export async function befriend(clients: readonly Client[], job: Job): Promise<void> {
  const contacts = job.senders < clients.length ? star(clients, job) : ring(clients, job)
  await askAndGrant(clients, contacts)
  let missing = [...clients]
  for (let round = 0; missing.length > 0; round++) {
    if (round === ROUNDS) throw new Error(`${missing.length} rosters are not complete`)
    await sleep(PAUSE_MS)
    const known = new Map<Client, Set<string>>()
    for (const client of missing) known.set(client, await mutual(client))
    missing = missing.filter(client => contacts[client.index]!.some(({ bare }) => !known.get(client)!.has(bare)))
  }
}

/** Sends all requests, and says yes to all of them as they arrive. */
async function askAndGrant(clients: readonly Client[], contacts: readonly Client[][]): Promise<void> {
  let granted = 0
  for (const client of clients) client.onChunk = grant(client, count => (granted += count))
  for (const client of clients) {
    client.write(contacts[client.index]!.map(({ bare }) => `<presence type='subscribe' to='${bare}'/>`).join(''))
  }
  const requests = contacts.reduce((sum, { length }) => sum + length, 0)
  for (let seen = -1, since = Date.now(); granted < requests; await sleep(100)) {
    if (granted > seen) since = Date.now()
    if (Date.now() - since > STALLED_MS) throw new Error(`${requests - granted} requests have not arrived`)
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
