import type { Event, History, Stream } from '../history.ts'

/** What the senders know. */
export interface Promised {
  /** Numbers that the server has answered for, by stream; those that it sent back are not among them. */
  readonly streams: ReadonlyMap<string, ReadonlySet<number>>
  readonly acked: number
  readonly refused: number
  /** By stream and number. */
  readonly sent: ReadonlyMap<string, ReadonlyMap<number, Sending>>
}

/** When a message was sent first (ms), and the session in which it was sent last. */
interface Sending {
  readonly at: number
  readonly session: string
}

export interface Delivered {
  readonly received: number
  /** Came once more in another session or by another way, with the same archive id: the client knows that it has it. */
  readonly again: number
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  /** When each of these was sent and came, both for the first time (ms). */
  readonly doubledAt: readonly { readonly sent: number; readonly came: number }[]
  readonly inverted: readonly string[]
  readonly latencies: readonly number[]
}

/** What an `<a h=…/>` covers is worked out from what was sent, not taken from the client. */
export function promised({ clients, streams }: History): Promised {
  const acked = new Map(streams.map(({ name }) => [name, new Set<number>()]))
  const sent = new Map(streams.map(({ name }) => [name, new Map<number, Sending>()]))
  let refused = 0
  for (const events of Object.values(clients)) {
    const open = new Map<string, { readonly k: number; readonly stream: string; readonly n: number }[]>()
    for (const event of events) {
      if (event.what === 'sent') {
        const sendings = sent.get(event.stream)!
        sendings.set(event.n, { at: sendings.get(event.n)?.at ?? event.at, session: event.session })
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
  const found = { received: 0, again: 0, lost: [], doubled: [], doubledAt: [], inverted: [], latencies: [] } as Found
  for (const stream of history.streams) {
    for (const watcher of stream.watchers) follow(history, known, stream, watcher, found)
  }
  return found
}

interface Found {
  received: number
  again: number
  readonly lost: string[]
  readonly doubled: string[]
  readonly doubledAt: { readonly sent: number; readonly came: number }[]
  readonly inverted: string[]
  readonly latencies: number[]
}

function follow(
  history: History,
  known: Promised,
  { name: stream, isSlow }: Stream,
  watcher: string,
  found: Found,
): void {
  const seen = new Map<number, Got>()
  const order = new Order(known, stream)
  for (const event of history.clients[watcher] ?? []) {
    if (event.what === 'caughtUp') order.caughtUp(event.session)
    if (event.what !== 'got' || event.stream !== stream) continue
    const { n, id, at } = event
    const text = `${stream} ${n} at ${watcher}, ${at.toFixed(0)} ms`
    const before = seen.get(n)
    if (before) {
      // A client can tell a repeat by its id; by the same way in the same session there must be none.
      const isKnown = before.id !== undefined && before.id === id
      if (isKnown && (before.session !== event.session || before.way !== event.way)) found.again++
      else {
        found.doubled.push(text)
        found.doubledAt.push({ sent: known.sent.get(stream)!.get(n)?.at ?? 0, came: before.at })
      }
      continue
    }
    seen.set(n, event)
    found.received++
    const behind = order.take(event)
    if (behind !== undefined) found.inverted.push(`${text}, behind ${behind}`)
    const sending = known.sent.get(stream)!.get(n)
    if (sending && event.way === 'stream' && !isSlow) found.latencies.push(at - sending.at)
  }
  for (const n of known.streams.get(stream)!) if (!seen.has(n)) found.lost.push(`${stream} ${n} at ${watcher}`)
}

type Got = Extract<Event, { what: 'got' }>

/**
 * P3 holds among what a sender sent in one session. A client that has not caught up yet gets new messages beside what waited for
 * it and the pages of the archive, and sorts them by it: each way must be in order. Afterwards nothing may come behind anything.
 */
class Order {
  readonly #sent: ReadonlyMap<number, Sending>
  readonly #caughtUp = new Set<string>()
  /** Of what is in order with each other, the highest number so far. */
  readonly #highest = new Map<string, number>()

  constructor(known: Promised, stream: string) {
    this.#sent = known.sent.get(stream)!
  }

  caughtUp(session: string): void {
    this.#caughtUp.add(session)
  }

  /** The number that came before a message and is higher than its own. */
  take({ n, way, session }: Got): number | undefined {
    const sender = this.#sent.get(n)?.session ?? ''
    const own = this.#caughtUp.has(session) ? sender : `${sender} ${session} ${way}`
    const limit = this.#highest.get(own) ?? 0
    for (const group of new Set([own, sender])) {
      this.#highest.set(group, Math.max(n, this.#highest.get(group) ?? 0))
    }
    return n < limit ? limit : undefined
  }
}
