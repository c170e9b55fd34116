import { Jid } from '@parley/jid'
import type { Ended, LiveHandlers, LiveLimits, Packet, SessionEntry } from '../live.ts'
import { Directory } from './directory.ts'
import { decodeMail, decodePacket, decodePlace, encodePacket, splitTwice } from './frame.ts'
import type { Lane } from './lane.ts'
import type { Local } from './local.ts'
import type { RedisLog } from './server.ts'

export type Delivery = 'ok' | 'gone' | 'busy' | 'dup' | 'later'

/** What the functions report of a session that ends. */
export type Report = readonly [
  sid: string,
  bare: string,
  place: string,
  inbound: string,
  directed: string[],
  packets: string[],
]

/** What comes for a session while it is being taken over. */
export interface Meanwhile {
  readonly packets: [n: number, packet: Packet][]
  /** The epoch of whoever took it after that; 0: nobody. */
  taken: number
}

export interface SessionsParts {
  readonly limits: LiveLimits
  readonly log: RedisLog
  laneOf(bare: string): Lane
}

/** The sessions that this node serves, and what Redis and other nodes have to say about them. */
export class Sessions {
  readonly local = new Map<string, Local>()
  readonly directory = new Directory(sid => this.local.has(sid))
  /** Sessions that are being taken over: what comes for them meanwhile. */
  readonly resuming = new Map<string, Meanwhile>()
  /** Where the ends are that this node has to finish. */
  readonly ending = new Map<string, Lane>()
  readonly #parts: SessionsParts
  #handlers: LiveHandlers | undefined

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  handle(handlers: LiveHandlers): void {
    this.#handlers = handlers
  }

  /** Numbers a packet in Redis; its owner, if that is this node, writes it. */
  number(sid: string, lane: Lane, packet: Packet): Promise<Delivery> {
    const { mid, urgency, owed, fromLog, replaces } = packet
    const now = urgency === 'now' ? 1 : 0
    const waits = owed !== undefined && !fromLog ? 1 : 0
    return lane
      .call<Numbered>('deliver', sid, mid, now, waits, replaces ?? mid, encodePacket(packet))
      .then(answer => this.#numbered(sid, answer, packet))
  }

  /** What Redis or another node says about sessions of this node. */
  heard(text: string): void {
    switch (text[0]) {
      case 'd':
        this.#place(text)
        break
      case 'b':
        for (const [sid, bare, packet] of decodeMail(text.slice(2))) this.#deliverHere(sid, bare, packet)
        break
      case 'm': {
        const [, sid, packet] = splitTwice(text)
        this.#deliverHere(sid, this.local.get(sid)?.bare, decodePacket(packet))
        break
      }
      case 'r': {
        const [, sid = '', why, epoch] = text.split('\n')
        this.#taken(
          sid,
          why === 'fence' || why === 'dead' || why === 'full' ? 'lost' : 'taken',
          Number(epoch || Number.POSITIVE_INFINITY),
        )
      }
    }
  }

  /** A letter that nobody took: its node is gone, so are the sessions that it was for. */
  returned(letter: string): void {
    for (const [, bare, packet] of decodeMail(letter)) this.#handlers?.stray(Jid.parse(bare), packet)
  }

  forget(local: Local): void {
    const { sid } = local.entry
    if (this.local.get(sid) === local) this.local.delete(sid)
  }

  /** Ends that Redis has reported: this node finishes them. */
  endAll(reports: readonly unknown[], why: 'taken' | 'lost' = 'taken'): void {
    for (const report of reports) if (report) this.end(report as Report, why)
  }

  end(report: Report, why: 'taken' | 'lost' = 'taken'): void {
    const local = this.local.get(report[0])
    if (local) this.forget(local)
    local?.outlet.replaced(why)
    this.#handlers?.ended(this.endedOf(report, local))
  }

  endedOf([sid, bare, place, inbound, directed, packets]: Report, local?: Local): Ended {
    this.directory.remove(bare, sid)
    this.ending.set(sid, this.#parts.laneOf(bare))
    const entry = local?.entry ?? decodePlace(bare, sid, place)?.entry
    if (!entry) throw new Error(`Session ${sid.slice(0, 6)}… is not in the directory`)
    return {
      entry,
      unacked: [...packets.map(decodePacket), ...(local?.waiting?.values() ?? [])],
      directed: directed.map(to => Jid.parse(to)),
      inbound: Number(inbound),
    }
  }

  /** Numbers that did not come are asked for; `all`: also where nothing shows that one is missing. */
  fillGaps(all = false): void {
    for (const local of this.local.values()) {
      if (local.queue && (all || local.queue.hasGap)) void this.#fill(local)
    }
  }

  /** Messages to this node may have been lost: sessions with numbers ask for theirs, the others look into the log. */
  missed(): void {
    this.fillGaps(true)
    const entries: SessionEntry[] = []
    for (const { queue, entry } of this.local.values()) if (!queue && entry.presence) entries.push(entry)
    this.#handlers?.missed(entries)
  }

  /** Messages to this node may get lost from now on: what the log has waits there until it is looked into, in order. */
  deaf(): void {
    for (const local of this.local.values()) {
      if (!local.queue && (local.entry.presence?.priority ?? -1) >= 0) local.behind ??= 0
    }
  }

  /** Others took all sessions over: what becomes of them is theirs to tell. */
  abandon(): void {
    for (const local of [...this.local.values()]) {
      this.forget(local)
      local.outlet.replaced('fenced')
    }
  }

  /** Ends sessions whose state in Redis is lost. What they had not taken is still owed by the log. */
  lose(lost: Iterable<Local>): void {
    for (const local of lost) {
      if (this.local.get(local.entry.sid) !== local) continue
      this.forget(local)
      this.directory.remove(local.bare, local.entry.sid)
      local.outlet.replaced('lost')
      const unacked = [...(local.queue?.unacked ?? []), ...(local.waiting?.values() ?? [])]
      this.#handlers?.ended({ entry: local.entry, unacked, directed: [...local.directed.values()], inbound: 0 })
    }
  }

  #numbered(sid: string, answer: Numbered, packet: Packet): Delivery {
    if (typeof answer === 'string') return answer
    const local = this.local.get(sid)
    if (typeof answer === 'number') {
      local?.queue?.place(answer, packet, local.outlet)
      return 'ok'
    }
    if (answer[0] === 'dup') {
      // The first answer may have been lost with the connection.
      local?.queue?.place(Number(answer[1]), packet, local.outlet)
      return 'dup'
    }
    if (answer[0]) this.end(answer[0] as Report, 'lost')
    return 'busy'
  }

  #place(text: string): void {
    const a = text.indexOf('\n', 2)
    const b = text.indexOf('\n', a + 1)
    const sid = text.slice(2, a)
    const n = Number(text.slice(a + 1, b))
    const packet = decodePacket(text.slice(b + 1))
    this.resuming.get(sid)?.packets.push([n, packet])
    const local = this.local.get(sid)
    local?.queue?.place(n, packet, local.outlet)
  }

  /** Whoever has it with an earlier epoch has it no longer. */
  #taken(sid: string, why: 'taken' | 'lost', epoch: number): void {
    const resuming = this.resuming.get(sid)
    if (resuming) resuming.taken = Math.max(resuming.taken, epoch)
    const local = this.local.get(sid)
    if (!local || local.epoch >= epoch) return
    this.forget(local)
    local.outlet.replaced(why)
  }

  /** For a session that its sender took for one without numbers. */
  #deliverHere(sid: string, bare: string | undefined, packet: Packet): void {
    const local = this.local.get(sid)
    if (!local) {
      if (bare !== undefined) this.#handlers?.stray(Jid.parse(bare), packet)
    } else if (local.queue) {
      this.number(sid, local.lane, packet).catch((error: Error) => this.#parts.log('error', error.message))
    } else local.deliver(packet, this.#parts.limits.waiting)
  }

  async #fill(local: Local): Promise<void> {
    const queue = local.queue!
    try {
      for (;;) {
        const from = queue.out
        const found = await local.lane.call<string[]>('missed', local.entry.sid, from)
        for (let i = 0; i < found.length; i += 2) {
          queue.place(Number(found[i]), decodePacket(found[i + 1]!), local.outlet)
        }
        if (found.length === 0 || queue.out === from) return
      }
    } catch (error) {
      this.#parts.log('warn', `Packets that were missed could not be read: ${(error as Error).message}`)
    }
  }
}

/** A number, a word, `dup` with the number it has, or the report of a session that ended because its queue was full. */
type Numbered = number | 'ok' | 'gone' | 'later' | readonly ['dup', string] | readonly [Report | null]
