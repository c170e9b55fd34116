import { randomUUID } from 'node:crypto'
import { Jid } from '@parley/jid'
import {
  type Ended,
  type Gap,
  type Live,
  type LiveHandlers,
  type LiveLimits,
  type NodeInfo,
  newEntry,
  type Outlet,
  type Packet,
  type Placed,
  type Resumed,
  type SessionChanges,
  type SessionEntry,
} from '../live.ts'
import type { LiveStats, Measured } from '../stats.ts'
import { Turns } from '../turns.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { decodePacket, decodePlace, encodeMail, encodePacket, encodePlace } from './frame.ts'
import { type Lane, LiveError } from './lane.ts'
import { Local, Queue } from './local.ts'
import type { Delivery, Meanwhile, Report, Sessions } from './sessions.ts'

/**
 * Live state in Redis, shared by many front ends.
 * @throws Error where Redis cannot be reached or is not as it must be, with a sentence for the operator
 */
export async function redisLive(options: ClusterOptions): Promise<Live> {
  return new RedisLive(await Cluster.open(options), options)
}

type Taken = readonly [
  place: string,
  epoch: string,
  inbound: string,
  ack: string,
  released: string[],
  unacked: string[],
]

class RedisLive implements Live, Measured {
  readonly isShared = true
  readonly #cluster: Cluster
  readonly #sessions: Sessions
  readonly #limits: LiveLimits
  readonly #time: () => number
  readonly #turns = new Turns()

  constructor(cluster: Cluster, { time = Date.now }: ClusterOptions) {
    this.#cluster = cluster
    this.#sessions = cluster.sessions
    this.#limits = cluster.limits
    this.#time = time
  }

  get node(): string {
    return this.#cluster.node
  }

  get gaps(): readonly Gap[] {
    return this.#cluster.gaps
  }

  handle(handlers: LiveHandlers): void {
    this.#cluster.handle(handlers)
  }

  async open(sid: string, jid: Jid, outlet: Outlet): Promise<{ epoch: number }> {
    const bare = jid.bare.text
    const lane = this.#laneOf(bare)
    const local = new Local(bare, lane, outlet, newEntry(sid, jid, this.#time()), 1)
    this.#sessions.local.set(sid, local)
    try {
      const [earlier] = await lane.call<[Report | null]>('open', sid, bare, jid.resource, this.#placeOf(local))
      if (earlier) this.#sessions.end(earlier)
    } catch (error) {
      this.#sessions.local.delete(sid)
      throw error
    }
    if (this.#sessions.local.get(sid) !== local) {
      // Its state was lost, or somebody took the address, while it was being opened.
      if (await this.close(sid)) await this.finished(sid)
      throw new LiveError('failed', 'The session ended while it began')
    }
    this.#sessions.directory.put(bare, { node: this.#cluster.node, entry: local.entry })
    return { epoch: 1 }
  }

  update(sid: string, changes: SessionChanges): Promise<void> | undefined {
    const local = this.#sessions.local.get(sid)
    if (local) return this.#change(local, changes)
  }

  async close(sid: string, epoch?: number): Promise<Ended | undefined> {
    const local = this.#sessions.local.get(sid)
    const bare = local?.bare ?? this.#sessions.directory.placeOf(sid)?.bare
    if (bare === undefined || (local && epoch !== undefined && local.epoch !== epoch)) return undefined
    // Nothing more is written to it.
    if (local) this.#sessions.forget(local)
    if (local && epoch === undefined) local.outlet.replaced('taken')
    const [report] = await this.#laneOf(bare).call<[Report | null]>('close', sid, epoch ?? '', randomUUID())
    this.#sessions.directory.remove(bare, sid)
    return report ? this.#sessions.endedOf(report, local) : undefined
  }

  async finished(sid: string): Promise<void> {
    const lane = this.#sessions.ending.get(sid)
    this.#sessions.ending.delete(sid)
    await lane?.call('finished', sid)
  }

  sessions(bare: Jid): readonly SessionEntry[] | Promise<readonly SessionEntry[]> {
    return (
      (this.#cluster.isHearing ? this.#sessions.directory.sessions(bare.text) : undefined) ?? this.sessionsNow(bare)
    )
  }

  sessionsNow(bare: Jid): Promise<readonly SessionEntry[]> {
    return this.#sessions.directory.load(bare.text, () => this.#laneOf(bare.text).call<string[]>('lookup', bare.text))
  }

  session(full: Jid): SessionEntry | undefined | Promise<SessionEntry | undefined> {
    const find = (entries: readonly SessionEntry[]) => entries.find(({ jid }) => jid.resource === full.resource)
    const entries = this.sessions(full.bare)
    return entries instanceof Promise ? entries.then(find) : find(entries)
  }

  async count(): Promise<number> {
    const counts = await Promise.all(this.#cluster.lanes.map(lane => lane.call<number>('count')))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  deliver(sid: string, packet: Packet): Delivery | Promise<Delivery> {
    const local = this.#sessions.local.get(sid)
    if (local && !local.queue) return local.deliver(packet, this.#limits.waiting)
    const place = local ? undefined : this.#sessions.directory.placeOf(sid)
    if (!local && !place) return 'gone'
    const bare = local?.bare ?? place!.bare
    if (place && !place.entry.queued) {
      if (place.node === this.#cluster.node) return 'gone'
      return this.#laneOf(bare).mail(place.node, encodeMail(sid, bare, encodePacket(packet))) ? 'ok' : 'gone'
    }
    return this.#sessions.number(sid, this.#laneOf(bare), packet)
  }

  async catchUp(sid: string, on: boolean): Promise<void> {
    const local = this.#sessions.local.get(sid)
    if (!local) return
    local.behind = on ? 0 : undefined
    local.seen = 0
    if (local.queue) local.lane.fire('catchup', sid, on ? 1 : 0)
    if (local.entry.catchingUp !== on) await this.#change(local, { catchingUp: on })
  }

  async caughtUp(sid: string): Promise<boolean> {
    const local = this.#sessions.local.get(sid)
    if (!local) return true
    const waited = local.queue ? await local.lane.call<number>('caughtup', sid, local.seen) : (local.behind ?? 0)
    const even = waited === local.seen
    local.seen = waited
    if (even) await this.catchUp(sid, false)
    return even
  }

  async pending(bare: Jid): Promise<ReadonlySet<bigint>> {
    const ids = new Set((await this.#laneOf(bare.text).call<string[]>('pending', bare.text)).map(BigInt))
    for (const local of this.#sessions.local.values()) {
      if (local.bare !== bare.text) continue
      for (const { owed } of local.waiting?.values() ?? []) if (owed !== undefined) ids.add(owed)
    }
    return ids
  }

  async quiet(sid: string, on: boolean): Promise<void> {
    const local = this.#sessions.local.get(sid)
    if (!local) return
    if (!local.queue) {
      if (on !== (local.waiting !== undefined)) local.wake(on ? new Map() : undefined)
      return
    }
    const answer = await local.lane.call<1 | 0 | [Report | null]>('quiet', sid, on ? 1 : 0)
    if (Array.isArray(answer) && answer[0]) this.#sessions.end(answer[0], 'lost')
  }

  async enableQueue(sid: string, hold: number): Promise<void> {
    const local = this.#sessions.local.get(sid)
    if (!local || local.queue) return
    local.queue = new Queue()
    local.lane.fire('enable', sid, hold)
    if (local.behind !== undefined) local.lane.fire('catchup', sid, 1)
    local.seen = -1
    await this.#change(local, { queued: true })
    const waiting = local.waiting
    local.waiting = undefined
    if (waiting) await this.quiet(sid, true)
    for (const packet of waiting?.values() ?? []) await this.deliver(sid, packet)
  }

  async acknowledge(sid: string, epoch: number, h: number): Promise<readonly Packet[] | 'too-high' | 'fenced'> {
    const local = this.#sessions.local.get(sid)
    if (!local || local.epoch !== epoch) return 'fenced'
    const count = local.queue?.countOf(h)
    if (count === undefined) return 'too-high'
    const answer = await local.lane.call<'ok' | 'too-high' | 'fenced'>('ack', sid, epoch, count)
    return answer === 'ok' ? local.queue!.release(count) : answer
  }

  async inbound(sid: string, epoch: number, k: number): Promise<'ok' | 'fenced'> {
    const local = this.#sessions.local.get(sid)
    if (!local || local.epoch !== epoch) return 'fenced'
    return local.lane.call('inbound', sid, epoch, k)
  }

  async hold(sid: string, epoch: number): Promise<'held' | 'over' | 'fenced'> {
    const local = this.#sessions.local.get(sid)
    if (!local || local.epoch !== epoch) return 'fenced'
    if (!local.queue) return 'over'
    const answer = await local.lane.call<'held' | 'over' | 'fenced'>('hold', sid, epoch)
    if (answer === 'held') this.#sessions.forget(local)
    return answer
  }

  async resume(sid: string, owner: Jid, h: number, outlet: Outlet): Promise<Resumed | 'gone' | 'bad-h'> {
    const bare = owner.text
    const lane = this.#laneOf(bare)
    const meanwhile: Meanwhile = { packets: [], taken: 0 }
    this.#sessions.resuming.set(sid, meanwhile)
    try {
      const answer = await lane.call<Taken | 'gone' | 'bad-h'>('resume', sid, bare, h)
      if (typeof answer === 'string') return answer
      const [place, epoch, inbound, ack, released, left] = answer
      const before = this.#sessions.local.get(sid)
      before?.outlet.replaced('taken')
      const entry = decodePlace(bare, sid, place)!.entry
      const local = new Local(bare, lane, outlet, entry, Number(epoch))
      const unacked = left.map(decodePacket)
      local.queue = new Queue(Number(ack), unacked)
      if (entry.catchingUp) local.behind = 0
      local.seen = -1
      this.#sessions.local.set(sid, local)
      for (const [n, packet] of meanwhile.packets) local.queue.place(n, packet, outlet)
      for (const to of await lane.call<string[]>('directed', sid)) local.directed.set(to, Jid.parse(to))
      if (meanwhile.taken > local.epoch) {
        // Somebody else was behind, and was told first.
        this.#sessions.forget(local)
        outlet.replaced('taken')
      }
      return {
        entry,
        epoch: local.epoch,
        inbound: Number(inbound),
        unacked,
        ack: Number(ack),
        released: released.map(decodePacket),
      }
    } finally {
      if (this.#sessions.resuming.get(sid) === meanwhile) this.#sessions.resuming.delete(sid)
    }
  }

  direct(sid: string, to: Jid, available: boolean): void {
    const local = this.#sessions.local.get(sid)
    if (!local || (available && local.directed.size >= this.#limits.directed)) return
    if (available) local.directed.set(to.text, to)
    else local.directed.delete(to.text)
    local.lane.fire('direct', sid, to.text, available ? 1 : 0)
  }

  directed(sid: string): readonly Jid[] | Promise<readonly Jid[]> {
    const local = this.#sessions.local.get(sid)
    if (local) return [...local.directed.values()]
    const place = this.#sessions.directory.placeOf(sid)
    if (!place) return []
    return this.#laneOf(place.bare)
      .call<string[]>('directed', sid)
      .then(found => found.map(text => Jid.parse(text)))
  }

  alone<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, () => this.#cluster.alone(name, task))
  }

  async place(name: string, gone = '', mayHave = true): Promise<Placed> {
    const [node, isNew] = await this.#laneOf(name).call<[string, number]>('place', name, gone, mayHave ? 1 : 0)
    return { node, own: node === this.#cluster.node, isNew: isNew === 1 }
  }

  unplace(name: string): void {
    this.#laneOf(name).fire('unplace', name)
  }

  note(name: string, field: string, value = ''): void {
    this.#laneOf(name).fire('note', name, field, value)
  }

  async notes(name: string): Promise<ReadonlyMap<string, string>> {
    const found = await this.#laneOf(name).call<string[]>('notes', name)
    const notes = new Map<string, string>()
    for (let n = 0; n < found.length; n += 2) notes.set(found[n]!, found[n + 1]!)
    return notes
  }

  tell(topic: string, text: string): void {
    this.#cluster.tell(topic, text)
  }

  post(node: string, topic: string, text: string): Promise<boolean> {
    return this.#cluster.post(node, topic, text)
  }

  describe(about: NodeInfo['about']): void {
    this.#cluster.members.describe(about)
  }

  nodes(): Promise<readonly NodeInfo[]> {
    return this.#cluster.members.nodes()
  }

  stats(): LiveStats {
    const { stats, server, members, fences } = this.#cluster
    let queuedSessions = 0
    let packetsWaiting = 0
    for (const { queue, waiting } of this.#sessions.local.values()) {
      if (queue) queuedSessions++
      packetsWaiting += (queue?.unacked.length ?? 0) + (waiting?.size ?? 0)
    }
    const { slowest } = stats
    stats.slowest = 0
    return {
      sessions: this.#sessions.local.size,
      // No process has those: whoever comes first ends them.
      held: 0,
      queuedSessions,
      packetsWaiting,
      redis: {
        ...stats,
        slowest,
        reconnects: server.reconnects,
        fences,
        leaseRemaining: Math.max(0, members.lease) / 1000,
        nodes: members.count,
      },
    }
  }

  stop(): Promise<void> {
    return this.#cluster.stop()
  }

  #laneOf(bare: string): Lane {
    return this.#cluster.laneOf(bare)
  }

  #placeOf({ entry }: Local): string {
    return encodePlace({ node: this.#cluster.node, entry })
  }

  /** This node sees its own change at once, everybody else when Redis tells. */
  async #change(local: Local, changes: Partial<SessionEntry>): Promise<void> {
    local.entry = { ...local.entry, ...changes }
    this.#sessions.directory.put(local.bare, { node: this.#cluster.node, entry: local.entry })
    await local.lane.call('update', local.entry.sid, local.bare, this.#placeOf(local))
  }
}
