import type { History } from '../history.ts'

/** What the senders know. */
export interface Promised {
  /** Numbers that the server has answered for, by stream; those that it sent back are not among them. */
  readonly streams: ReadonlyMap<string, ReadonlySet<number>>
  readonly acked: number
  readonly refused: number
  /** When a number was sent first (ms), by stream. */
  readonly sent: ReadonlyMap<string, ReadonlyMap<number, number>>
}

export interface Delivered {
  readonly received: number
  /** Came once more, in another session and with the same archive id: the client knows that it has it. */
  readonly again: number
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  readonly inverted: readonly string[]
  readonly latencies: readonly number[]
}

/** What an `<a h=…/>` covers is worked out from what was sent, not taken from the client. */
export function promised({ clients, streams }: History): Promised {
  const acked = new Map(streams.map(({ name }) => [name, new Set<number>()]))
  const sent = new Map(streams.map(({ name }) => [name, new Map<number, number>()]))
  let refused = 0
  for (const events of Object.values(clients)) {
    const open = new Map<string, { readonly k: number; readonly stream: string; readonly n: number }[]>()
    for (const event of events) {
      if (event.what === 'sent') {
        const times = sent.get(event.stream)!
        if (!times.has(event.n)) times.set(event.n, event.at)
        open.set(event.session, [...(open.get(event.session) ?? []), event])
      } else if (event.what === 'acked') {
        const waiting = open.get(event.session) ?? []
        const covered = waiting.filter(({ k }) => k <= event.h)
        for (const { stream, n } of covered) acked.get(stream)!.add(n)
        open.set(event.session, waiting.slice(covered.length))
      }
    }
  }
  for (const events of Object.values(clients)) {
    for (const event of events) {
      if (event.what !== 'refused') continue
      refused++
      acked.get(event.stream)?.delete(event.n)
    }
  }
  const total = [...acked.values()].reduce((sum, { size }) => sum + size, 0)
  return { streams: acked, acked: total, refused, sent }
}

/** P1 to P4 on every stream, at every client that must get it. */
export function deliveries(history: History, known: Promised): Delivered {
  const found = { received: 0, again: 0, lost: [], doubled: [], inverted: [], latencies: [] } as Found
  for (const { name, watchers } of history.streams) {
    for (const watcher of watchers) follow(history, known, name, watcher, found)
  }
  return found
}

interface Found {
  received: number
  again: number
  readonly lost: string[]
  readonly doubled: string[]
  readonly inverted: string[]
  readonly latencies: number[]
}

function follow(history: History, known: Promised, stream: string, watcher: string, found: Found): void {
  const seen = new Map<number, { readonly session: string; readonly id: string | undefined }>()
  let highest = 0
  for (const event of history.clients[watcher] ?? []) {
    if (event.what !== 'got' || event.stream !== stream) continue
    const { n, session, id, at } = event
    const text = `${stream} ${n} at ${watcher}, ${at.toFixed(0)} ms`
    const before = seen.get(n)
    if (before) {
      // A client can tell a repeat by its id, and knows that a session has none.
      const isKnown = before.session !== session && before.id !== undefined && before.id === id
      if (isKnown) found.again++
      else found.doubled.push(text)
      continue
    }
    seen.set(n, { session, id })
    found.received++
    if (n < highest) found.inverted.push(`${text}, behind ${highest}`)
    highest = Math.max(highest, n)
    const sent = known.sent.get(stream)!.get(n)
    if (sent !== undefined && event.way === 'stream') found.latencies.push(at - sent)
  }
  for (const n of known.streams.get(stream)!) if (!seen.has(n)) found.lost.push(`${stream} ${n} at ${watcher}`)
}
