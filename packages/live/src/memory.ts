import type { Jid } from '@parley/jid'
import { countOf } from './count.ts'
import { everySecond } from './every-second.ts'
import { enqueue, type Held, isNew, type Queue, release, sizeOf, type Waiting, wait } from './kept.ts'
import {
  type Ended,
  type Gap,
  LIVE_LIMITS,
  type Live,
  type LiveHandlers,
  type LiveLimits,
  type NodeInfo,
  newEntry,
  ON_ITS_WAY,
  type Outlet,
  type Packet,
  type Placed,
  type Resumed,
  type SessionChanges,
  type SessionEntry,
} from './live.ts'
import type { LiveStats, Measured } from './stats.ts'
import { Turns } from './turns.ts'

export interface MemoryLiveOptions {
  /** When an earlier process, whose sessions are lost, was last known to be there (ms since 1970): see {@link Live.gaps}. */
  readonly resumedFrom?: number | undefined
  readonly limits?: LiveLimits
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number
  /** Milliseconds since 1970. */
  readonly time?: () => number
  /** Runs `check` about every second until the returned function is called. */
  readonly every?: (check: () => void) => () => void
}

const NONE: readonly SessionEntry[] = []

/** Live state of one process. Everything answers at once, so the hot path costs no promise. */
export function memoryLive(options: MemoryLiveOptions = {}): Live {
  return new MemoryLive(options)
}

class MemoryLive implements Live, Measured {
  readonly #bySid = new Map<string, Held>()
  readonly #byBare = new Map<string, readonly SessionEntry[]>()
  readonly #byFull = new Map<string, Held>()
  readonly #onHold = new Set<Held>()
  readonly #limits: LiveLimits
  readonly #time: () => number
  readonly #now: () => number
  readonly #stop: () => void
  readonly #turns = new Turns()
  readonly #placed = new Set<string>()
  #about: NodeInfo['about'] = {}
  /** Characters that wait for clients. */
  #chars = 0
  #ended: (ended: Ended) => void = () => {}
  readonly isShared = false
  readonly node = 'alone'
  readonly gaps: readonly Gap[]

  constructor(options: MemoryLiveOptions) {
    const {
      resumedFrom,
      limits = LIVE_LIMITS,
      now = () => performance.now(),
      time = Date.now,
      every = everySecond,
    } = options
    // A process that was killed may have brought a message to somebody, and not one before it.
    this.gaps = resumedFrom === undefined ? [] : [{ from: resumedFrom - ON_ITS_WAY, to: resumedFrom }]
    this.#limits = limits
    this.#time = time
    this.#now = now
    this.#stop = every(() => this.#sweep())
  }

  handle({ ended }: LiveHandlers): void {
    this.#ended = ended
  }

  open(sid: string, jid: Jid, outlet: Outlet): { epoch: number } {
    const earlier = this.#byFull.get(jid.text)
    if (earlier) {
      earlier.outlet.replaced('taken')
      this.#end(earlier)
    }
    const entry = newEntry(sid, jid, this.#time())
    const held: Held = {
      entry,
      outlet,
      epoch: 1,
      queue: undefined,
      directed: undefined,
      waiting: undefined,
      behind: undefined,
      recent: undefined,
      chars: 0,
      deadline: 0,
    }
    this.#bySid.set(sid, held)
    this.#byFull.set(jid.text, held)
    this.#list(jid.bare, undefined, entry)
    return { epoch: 1 }
  }

  update(sid: string, changes: SessionChanges): void {
    const held = this.#bySid.get(sid)
    if (held) this.#change(held, { ...held.entry, ...changes })
  }

  close(sid: string, epoch?: number): Ended | undefined {
    const held = this.#bySid.get(sid)
    if (!held || (epoch !== undefined && held.epoch !== epoch)) return undefined
    if (epoch === undefined && held.deadline === 0) held.outlet.replaced('taken')
    return this.#remove(held)
  }

  /** What a session leaves is given to whom ends it, so nothing is kept here. */
  finished(): void {}

  sessions(bare: Jid): readonly SessionEntry[] {
    return this.#byBare.get(bare.text) ?? NONE
  }

  sessionsNow(bare: Jid): readonly SessionEntry[] {
    return this.sessions(bare)
  }

  session(full: Jid): SessionEntry | undefined {
    return this.#byFull.get(full.text)?.entry
  }

  count(): number {
    return this.#bySid.size
  }

  deliver(sid: string, packet: Packet): 'ok' | 'gone' | 'busy' | 'dup' | 'later' {
    const held = this.#bySid.get(sid)
    if (!held) return 'gone'
    if (held.behind !== undefined && packet.owed !== undefined && !packet.fromLog) {
      held.behind++
      return 'later'
    }
    if (held.waiting) {
      const fits = held.waiting.size < this.#limits.waiting && this.#hasRoom(held, packet)
      if (packet.urgency === 'later' && fits) {
        this.#grow(held, wait(held.waiting, packet))
        return 'ok'
      }
      if (!this.#wake(held, new Map())) return 'busy'
    }
    return this.#push(held, packet)
  }

  pending(bare: Jid): ReadonlySet<bigint> {
    const ids = new Set<bigint>()
    for (const { sid } of this.sessions(bare)) {
      const { queue, waiting } = this.#bySid.get(sid)!
      for (const { owed } of queue?.unacked ?? []) if (owed !== undefined) ids.add(owed)
      for (const { owed } of waiting?.values() ?? []) if (owed !== undefined) ids.add(owed)
    }
    return ids
  }

  catchUp(sid: string, on: boolean): void {
    const held = this.#bySid.get(sid)
    if (!held) return
    held.behind = on ? 0 : undefined
    if (held.entry.catchingUp !== on) this.#change(held, { ...held.entry, catchingUp: on })
  }

  caughtUp(sid: string): boolean {
    const held = this.#bySid.get(sid)
    if (!held) return true
    const even = held.behind === undefined || held.behind === 0
    if (even) this.catchUp(sid, false)
    else held.behind = 0
    return even
  }

  quiet(sid: string, on: boolean): void {
    const held = this.#bySid.get(sid)
    if (!held || on === (held.waiting !== undefined)) return
    if (on) held.waiting = new Map()
    else this.#wake(held, undefined)
  }

  enableQueue(sid: string, hold: number): void {
    const held = this.#bySid.get(sid)
    if (!held) return
    held.queue = { hold, unacked: [], mids: new Set(), out: 0, ack: 0, inbound: 0 }
    this.#change(held, { ...held.entry, queued: true })
  }

  acknowledge(sid: string, epoch: number, h: number): readonly Packet[] | 'too-high' | 'fenced' {
    const held = this.#bySid.get(sid)
    if (!held || held.epoch !== epoch) return 'fenced'
    const queue = held.queue
    const count = queue && countOf(queue, h)
    if (count === undefined) return 'too-high'
    return this.#release(held, queue!, count)
  }

  inbound(sid: string, epoch: number, k: number): 'ok' | 'fenced' {
    const held = this.#bySid.get(sid)
    if (!held || held.epoch !== epoch) return 'fenced'
    if (held.queue) held.queue.inbound = Math.max(held.queue.inbound, k)
    return 'ok'
  }

  hold(sid: string, epoch: number): 'held' | 'over' | 'fenced' {
    const held = this.#bySid.get(sid)
    if (!held || held.epoch !== epoch) return 'fenced'
    if (!held.queue || held.queue.hold === 0) return 'over'
    held.deadline = this.#now() + held.queue.hold
    this.#onHold.add(held)
    return 'held'
  }

  resume(sid: string, owner: Jid, h: number, outlet: Outlet): Resumed | 'gone' | 'bad-h' {
    const held = this.#bySid.get(sid)
    if (!held?.queue || held.queue.hold === 0 || !held.entry.jid.bare.equals(owner)) return 'gone'
    const queue = held.queue
    const count = countOf(queue, h)
    if (count === undefined) return 'bad-h'
    const released = this.#release(held, queue, count)
    if (held.deadline === 0) held.outlet.replaced('taken')
    for (const packet of held.waiting?.values() ?? []) enqueue(queue, packet)
    held.outlet = outlet
    held.deadline = 0
    held.waiting = undefined
    held.epoch++
    this.#onHold.delete(held)
    const { entry, epoch } = held
    return { entry, epoch, inbound: queue.inbound, unacked: queue.unacked.slice(), ack: queue.ack, released }
  }

  direct(sid: string, to: Jid, available: boolean): void {
    const held = this.#bySid.get(sid)
    if (!held) return
    if (!available) held.directed?.delete(to.text)
    else {
      held.directed ??= new Map()
      if (held.directed.size < this.#limits.directed) held.directed.set(to.text, to)
    }
  }

  directed(sid: string): readonly Jid[] {
    return [...(this.#bySid.get(sid)?.directed?.values() ?? [])]
  }

  alone<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, task)
  }

  place(name: string): Placed {
    const isNew = !this.#placed.has(name)
    this.#placed.add(name)
    return { node: this.node, own: true, isNew }
  }

  unplace(name: string): void {
    this.#placed.delete(name)
  }

  /** Nobody comes after this process. */
  note(): void {}

  notes(): ReadonlyMap<string, string> {
    return new Map()
  }

  /** There is nobody else. */
  tell(): void {}

  post(): boolean {
    return false
  }

  describe(about: NodeInfo['about']): void {
    this.#about = about
  }

  nodes(): readonly NodeInfo[] {
    return [{ node: this.node, lease: Number.POSITIVE_INFINITY, own: true, about: this.#about }]
  }

  stop(): void {
    this.#stop()
  }

  stats(): LiveStats {
    let queuedSessions = 0
    let packetsWaiting = 0
    for (const { queue, waiting } of this.#bySid.values()) {
      if (queue) queuedSessions++
      packetsWaiting += (queue?.unacked.length ?? 0) + (waiting?.size ?? 0)
    }
    return { sessions: this.#bySid.size, held: this.#onHold.size, queuedSessions, packetsWaiting }
  }

  #push(held: Held, packet: Packet): 'ok' | 'busy' | 'dup' {
    const queue = held.queue
    if (!queue) {
      if (packet.owed !== undefined && !isNew(held, packet.mid)) return 'dup'
      held.outlet.write(0, packet)
      return 'ok'
    }
    if (queue.mids.has(packet.mid) || (packet.owed !== undefined && held.recent?.has(packet.mid))) return 'dup'
    if (queue.unacked.length >= this.#limits.queue || !this.#hasRoom(held, packet)) return this.#overflow(held)
    const n = enqueue(queue, packet)
    this.#grow(held, packet.xml.length)
    if (held.deadline === 0) held.outlet.write(n, packet)
    if (this.#chars > this.#limits.total) this.#shed()
    return 'ok'
  }

  #hasRoom({ chars }: Held, { xml }: Packet): boolean {
    return chars === 0 || chars + xml.length <= this.#limits.chars
  }

  #grow(held: Held, chars: number): void {
    held.chars += chars
    this.#chars += chars
  }

  #release(held: Held, queue: Queue, count: number): readonly Packet[] {
    const released = release(held, queue, count)
    this.#grow(held, -sizeOf(released))
    return released
  }

  /** Too much waits for all clients together: whoever takes the most room gives way, not whoever comes last. */
  #shed(): void {
    let largest: Held | undefined
    for (const held of this.#bySid.values()) if (!largest || held.chars > largest.chars) largest = held
    if (largest) this.#overflow(largest)
  }

  /** False: what has waited does not fit into the queue, and the session was ended with all of it. */
  #wake(held: Held, waiting: Waiting | undefined): boolean {
    const packets = held.waiting
    const { queue } = held
    if (queue && queue.unacked.length + (packets?.size ?? 0) > this.#limits.queue) {
      this.#overflow(held)
      return false
    }
    held.waiting = waiting
    if (packets) this.#grow(held, -sizeOf(packets.values()))
    for (const packet of packets?.values() ?? []) this.#push(held, packet)
    return true
  }

  #overflow(held: Held): 'busy' {
    held.outlet.replaced('lost')
    this.#end(held)
    return 'busy'
  }

  #change(held: Held, entry: SessionEntry): void {
    this.#list(entry.jid.bare, held.entry, entry)
    held.entry = entry
  }

  #list(bare: Jid, was: SessionEntry | undefined, is: SessionEntry | undefined): void {
    const others = this.sessions(bare).filter(entry => entry !== was)
    const entries = is ? [...others, is] : others
    if (entries.length > 0) this.#byBare.set(bare.text, entries)
    else this.#byBare.delete(bare.text)
  }

  #remove(held: Held): Ended {
    const { entry, queue, waiting, directed } = held
    this.#bySid.delete(entry.sid)
    this.#onHold.delete(held)
    this.#chars -= held.chars
    held.chars = 0
    if (this.#byFull.get(entry.jid.text) === held) this.#byFull.delete(entry.jid.text)
    this.#list(entry.jid.bare, entry, undefined)
    return {
      entry,
      unacked: [...(queue?.unacked ?? []), ...(waiting?.values() ?? [])],
      directed: [...(directed?.values() ?? [])],
      inbound: queue?.inbound ?? 0,
    }
  }

  #end(held: Held): void {
    this.#ended(this.#remove(held))
  }

  #sweep(): void {
    const now = this.#now()
    for (const held of this.#onHold) if (held.deadline <= now) this.#end(held)
  }
}
