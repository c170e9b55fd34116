import type { Jid } from '@parley/jid'
import type { Outlet, Packet, SessionEntry } from './live.ts'

/** A session without a queue forgets what it got after so many. */
const RECENT = 64

/** A session of the memory driver. */
export interface Held {
  entry: SessionEntry
  outlet: Outlet
  epoch: number
  queue: Queue | undefined
  directed: Map<string, Jid> | undefined
  waiting: Waiting | undefined
  /** What has waited in the log since it was looked at, while it is read for this session. */
  behind: number | undefined
  /** Rows that a session without a queue got last: they may come twice, live and as what is owed. */
  recent: Set<string> | undefined
  /** Characters in `queue` and `waiting`. */
  chars: number
  /** When a held session ends, on the monotonic clock; 0 while it is live. */
  deadline: number
}

/** XEP-0352: what a quiet client has not been bothered with, in order; a key is what a later packet may replace. */
export type Waiting = Map<string, Packet>

/** XEP-0198: what the client has not acknowledged. */
export interface Queue {
  readonly hold: number
  unacked: Packet[]
  mids: Set<string>
  out: number
  ack: number
  inbound: number
}

export function enqueue(queue: Queue, packet: Packet): number {
  queue.mids.add(packet.mid)
  queue.unacked.push(packet)
  return ++queue.out
}

export function release(held: Held, queue: Queue, h: number): readonly Packet[] {
  const released = queue.unacked.splice(0, h - queue.ack)
  queue.ack = h
  for (const packet of released) {
    queue.mids.delete(packet.mid)
    // What was read from the log may be on its way by itself still.
    if (packet.fromLog) isNew(held, packet.mid)
  }
  return released
}

/** Remembers the last deliveries of a session without a queue, and what another one has read from the log. */
export function isNew(held: Held, mid: string): boolean {
  held.recent ??= new Set()
  if (held.recent.has(mid)) return false
  held.recent.add(mid)
  if (held.recent.size > RECENT) held.recent.delete(held.recent.values().next().value!)
  return true
}

/** Keeps a packet back; gives by how many characters that is more than before. */
export function wait(waiting: Waiting, packet: Packet): number {
  const key = packet.replaces ?? packet.mid
  const before = waiting.get(key)?.xml.length ?? 0
  waiting.delete(key)
  waiting.set(key, packet)
  return packet.xml.length - before
}

export function sizeOf(packets: Iterable<Packet>): number {
  let chars = 0
  for (const { xml } of packets) chars += xml.length
  return chars
}
