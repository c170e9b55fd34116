import type { Jid } from '@parley/jid'
import { countOf } from '../count.ts'
import type { Outlet, Packet, SessionEntry } from '../live.ts'
import type { Lane } from './lane.ts'

/** A session without numbers forgets what it got after so many: what is owed may come twice, live and from the log. */
const RECENT = 64

/** A session that this node serves. What must outlive the node is in Redis; this is the owner's part and its copy. */
export class Local {
  readonly bare: string
  readonly lane: Lane
  readonly outlet: Outlet
  entry: SessionEntry
  epoch: number
  queue: Queue | undefined
  readonly directed = new Map<string, Jid>()
  /** XEP-0352, for a session without numbers: what is kept back, by what may replace it. */
  waiting: Map<string, Packet> | undefined
  /** How much has waited in the log while it is read for this session, and what was known of that before. */
  behind: number | undefined
  seen = 0
  #recent: Set<string> | undefined

  constructor(bare: string, lane: Lane, outlet: Outlet, entry: SessionEntry, epoch: number) {
    this.bare = bare
    this.lane = lane
    this.outlet = outlet
    this.entry = entry
    this.epoch = epoch
  }

  /** For a session without numbers: nothing of it is in Redis, so everything is decided here. */
  deliver(packet: Packet, limit: number): 'ok' | 'dup' | 'later' {
    if (this.behind !== undefined && packet.owed !== undefined && !packet.fromLog) {
      this.behind++
      return 'later'
    }
    if (this.waiting) {
      if (packet.urgency === 'later' && this.waiting.size < limit) {
        const key = packet.replaces ?? packet.mid
        this.waiting.delete(key)
        this.waiting.set(key, packet)
        return 'ok'
      }
      this.wake(new Map())
    }
    return this.#write(packet)
  }

  /** Lets go of what has waited, and keeps back from now on if `waiting` is given. */
  wake(waiting: Map<string, Packet> | undefined): void {
    const packets = this.waiting
    this.waiting = waiting
    for (const packet of packets?.values() ?? []) this.#write(packet)
  }

  #write(packet: Packet): 'ok' | 'dup' {
    if (packet.owed !== undefined && !this.#isNew(packet.mid)) return 'dup'
    this.outlet.write(0, packet)
    return 'ok'
  }

  #isNew(mid: string): boolean {
    this.#recent ??= new Set()
    if (this.#recent.has(mid)) return false
    this.#recent.add(mid)
    if (this.#recent.size > RECENT) this.#recent.delete(this.#recent.values().next().value!)
    return true
  }
}

/**
 * The owner's copy of a queue: numbers come from answers of Redis and from what other nodes have it say, in any order; they
 * are written in theirs.
 */
export class Queue {
  out: number
  ack: number
  #unacked: Packet[] = []
  readonly #early = new Map<number, Packet>()

  constructor(ack = 0, unacked: readonly Packet[] = []) {
    this.ack = ack
    this.out = ack + unacked.length
    this.#unacked = [...unacked]
  }

  /** A number is missing. */
  get hasGap(): boolean {
    return this.#early.size > 0
  }

  get unacked(): readonly Packet[] {
    return this.#unacked
  }

  place(n: number, packet: Packet, outlet: Outlet): void {
    if (n <= this.out) return
    if (n > this.out + 1) {
      this.#early.set(n, packet)
      return
    }
    this.#take(n, packet, outlet)
    for (let next = this.#early.get(this.out + 1); next; next = this.#early.get(this.out + 1)) {
      this.#early.delete(this.out + 1)
      this.#take(this.out + 1, next, outlet)
    }
  }

  /** The count that the client means by `h`; undefined: more than it was sent. */
  countOf(h: number): number | undefined {
    return countOf(this, h)
  }

  release(count: number): readonly Packet[] {
    const released = this.#unacked.splice(0, Math.max(0, count - this.ack))
    this.ack = Math.max(count, this.ack)
    return released
  }

  #take(n: number, packet: Packet, outlet: Outlet): void {
    this.out = n
    this.#unacked.push(packet)
    outlet.write(n, packet)
  }
}
