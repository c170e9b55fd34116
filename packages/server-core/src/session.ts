import type { Jid } from '@parley/jid'
import {
  type Ended,
  LiveError,
  type Outlet,
  type Packet,
  type Replaced,
  type SessionChanges,
  type SessionEntry,
} from '@parley/live'
import { readStanza, refusalOf, type Stanza, type StanzaError } from '@parley/stanza'
import { StoreError } from '@parley/store'
import type { Element } from '@parley/xml'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import type { Host } from './host.ts'
import { asStanzaError } from './iq.ts'
import { packetOf } from './packet.ts'
import type { Server } from './server.ts'
import type { StreamCondition } from './stream/errors.ts'
import type { ClientStream } from './stream/stream.ts'
import { Transit } from './transit.ts'

/** Stanzas of one session that may wait for their commits before its socket is no longer read. */
const IN_FLIGHT = 256
/** How long to wait before a count that could not be kept is told again (ms). */
const RETRY = 1000

/** What XEP-0198 adds to a session; installed by its module. */
export interface Acknowledging {
  /** A numbered stanza has been written. */
  sent(n: number): void
  /** The client has said what it has taken. */
  answered(): void
}

/**
 * A bound resource on this node (RFC 6120 §7). What others may know of it lives in `live`; here is the way in (stanzas of
 * the client, in order) and the way out (packets, numbered when the client acknowledges).
 */
export class Session implements Outlet {
  readonly server: Server
  readonly host: Host
  readonly jid: Jid
  readonly sid: string
  epoch: number
  /** This node's copy of what `live` holds. */
  entry: SessionEntry
  stream: ClientStream | undefined
  /** Set while stanzas are counted (XEP-0198). */
  acks: Acknowledging | undefined
  /** Stanzas of the client: taken in, and done with all effects; both count from the start of counting. */
  received = 0
  handled = 0
  #corked: [n: number, packet: Packet][] | undefined
  #tail: Promise<void> | undefined
  /** Stanzas that had their turn and are not done yet; the last of them, which comes after all others. */
  #counting: Promise<void> | undefined
  /** The last stanza that is done, and the count that is being kept for it. */
  #reached = 0
  #keeping: Promise<void> | undefined
  readonly #heeded: { readonly k: number; readonly task: () => void }[] = []
  #inFlight = 0
  #relief: (() => void) | undefined
  #owed: bigint[] = []
  #over = false
  #fenced = false
  /** Under which name this node has the session: under another one it has begun again. */
  readonly #node: string

  constructor(server: Server, host: Host, stream: ClientStream, entry: SessionEntry, epoch: number) {
    this.server = server
    this.host = host
    this.stream = stream
    this.entry = entry
    this.jid = entry.jid
    this.sid = entry.sid
    this.epoch = epoch
    this.#node = server.live.node
  }

  get account(): Jid {
    return this.jid.bare
  }

  /** Others have this session, and do what this node has begun for it: whatever it still does is not to be seen. */
  get isFenced(): boolean {
    return this.#fenced || this.server.live.node !== this.#node
  }

  update(changes: SessionChanges): Awaitable<void> {
    this.entry = { ...this.entry, ...changes }
    return this.server.live.update(this.sid, changes)
  }

  // ── in ──

  /** A stanza of the client. Resolves when the next one may come, not when all its effects are done. */
  receive(element: Element): Awaitable<void> {
    const claimed = element.attrs['from']
    // RFC 6120 §8.1.2.1: a "from" must be the session's own address, full or bare.
    if (claimed !== undefined && !this.#isOwn(claimed)) return this.stream?.fail('invalid-from', 'Not your address')
    this.server.counters.received.client[element.name as Stanza['name']]++
    const transit = new Transit(this, this.acks ? ++this.received : 0)
    let stanza: Stanza
    try {
      stanza = readStanza(element, this.jid)
    } catch (error) {
      transit.effect(() =>
        this.#refuseElement(element, asStanzaError(error, { id: element.attrs['id'] }, this.host.log)),
      )
      return this.#settle(transit)
    }
    transit.stanza = stanza
    const decided = this.server.router.outgoing(stanza, transit, this)
    return chain(decided, () => this.#settle(transit))
  }

  /** Runs `task` when all stanzas that came before it are handled, and that is known wherever the session may go on. */
  afterPending(task: () => void): void {
    if (this.handled >= this.received) task()
    else this.#heeded.push({ k: this.received, task })
  }

  /** Rows of the message log that were written and may still be on their way to the network. */
  get unflushed(): readonly bigint[] {
    return this.#owed
  }

  /** Resolves when nothing of this session is under way any more. */
  async drained(): Promise<void> {
    for (;;) {
      const pending = this.#tail ?? this.#counting ?? this.#keeping
      if (!pending) return
      await pending
    }
  }

  // ── out ──

  /** Delivers a stanza to this session; what has a `mid` only once. */
  send(stanza: Stanza, mid?: string): Awaitable<void> {
    // Whoever has the session now answers what this one has not.
    if (this.isFenced) return
    return chain(this.server.live.deliver(this.sid, packetOf(stanza, undefined, mid)), () => undefined)
  }

  /** Keeps packets back until the client has been told of its session. */
  cork(): void {
    this.#corked ??= []
  }

  uncork(): void {
    const packets = this.#corked ?? []
    this.#corked = undefined
    for (const [n, packet] of packets) this.write(n, packet)
  }

  /** Gives packets that were kept back before counting began their numbers. */
  recount(): void {
    const packets = this.#corked ?? []
    if (this.#corked) this.#corked = []
    for (const [, packet] of packets) {
      const again = this.server.live.deliver(this.sid, packet)
      if (isPromise(again)) again.catch((error: unknown) => this.host.log.error('a packet was lost', { error }))
    }
  }

  write(n: number, packet: Packet): void {
    if (this.#corked) {
      this.#corked.push([n, packet])
      return
    }
    const stream = this.stream
    if (!stream?.writeStanza(packet.xml)) return
    if (n > 0) this.acks?.sent(n)
    else if (packet.owed !== undefined) this.#taken(packet.owed)
  }

  /** Gives way to a stream that resumes this session: stops reading, finishes what was read, and holds. */
  async giveWay(): Promise<void> {
    if (this.#over) return
    this.#detach()?.fail('conflict', 'Resumed by another connection')
    await this.lost()
  }

  /** Another stream has this address now (RFC 6120 §7.7.2.2) or has resumed this session; or this node has lost it. */
  replaced(why: Replaced): void {
    this.#over = true
    this.#fenced ||= why === 'fenced'
    if (this.server.sessions.get(this.sid) === this) this.server.sessions.delete(this.sid)
    const stream = this.#detach()
    if (why === 'taken') stream?.fail('conflict', 'Replaced by another connection')
    // RFC 6120 §4.9.3.16: the client is to connect again.
    else stream?.fail('reset', 'The state of this session is lost: connect again')
  }

  // ── end ──

  /** The client closed its stream in order: the session is over. */
  close(): Awaitable<void> {
    if (this.#over) return
    this.#over = true
    this.#detach()
    return this.#afterTail(() => chain(this.server.live.close(this.sid, this.epoch), ended => this.#end(ended)))
  }

  /** The connection is gone: hold the session where the client may come back for it (XEP-0198 §5). */
  lost(): Awaitable<void> {
    if (this.#over) return
    this.#detach()
    return this.#afterTail(() =>
      chain(this.server.live.hold(this.sid, this.epoch), held => {
        if (held === 'over') return this.close()
        if (this.server.sessions.get(this.sid) === this) this.server.sessions.delete(this.sid)
      }),
    )
  }

  /** The stream ended with an error of ours. Only an orderly shutdown leaves the session to be resumed. */
  broken(condition: StreamCondition): Awaitable<void> {
    return condition === 'system-shutdown' || condition === 'connection-timeout' ? this.lost() : this.close()
  }

  #isOwn(text: string): boolean {
    return text === this.jid.text || text === this.jid.bare.text || this.server.isSameAddress(text, this.jid)
  }

  #detach(): ClientStream | undefined {
    const stream = this.stream
    this.stream = undefined
    if (stream) stream.session = undefined
    return stream
  }

  #afterTail(task: () => Awaitable<void>): Awaitable<void> {
    return this.#tail || this.#counting || this.#keeping ? this.drained().then(task) : task()
  }

  #end(ended: Ended | undefined): Awaitable<void> {
    if (this.server.sessions.get(this.sid) === this) this.server.sessions.delete(this.sid)
    if (ended) return this.server.finishEnded(this.host, ended)
  }

  /** Starts the second stage of a stanza: at once where nothing is to be waited for, else in its turn. */
  #settle(transit: Transit): Awaitable<void> {
    const gates = transit.durable(this.server.store.messages)
    if (!gates && !this.#tail) {
      const done = this.#run(transit)
      if (!isPromise(done)) {
        this.#finished(transit)
        return this.#pressure()
      }
      return this.#enqueue(done.then(() => this.#finished(transit)))
    }
    // A commit that fails while earlier stanzas are under way is looked at when its turn comes.
    gates?.catch(() => {})
    const turn = (this.#tail ?? Promise.resolve()).then(() => gates)
    const done = turn.then(
      () => this.#run(transit),
      (error: unknown) => this.#refused(transit, error),
    )
    return this.#enqueue(done.then(() => this.#finished(transit)))
  }

  #enqueue(done: Promise<void>): Awaitable<void> {
    this.#inFlight++
    this.#follow(done, () => this.#left())
    return this.#pressure()
  }

  /** Resolves when more may be taken in. */
  #pressure(): Awaitable<void> {
    if (this.#inFlight < IN_FLIGHT) return
    return new Promise<void>(resolve => {
      this.#relief = () => {
        this.#relief = undefined
        resolve()
      }
    })
  }

  #left(): void {
    this.#inFlight--
    if (this.#inFlight < IN_FLIGHT / 2) this.#relief?.()
  }

  /** Makes `done` what everything later waits for, until it is over. */
  #follow(done: Promise<void>, after?: () => void): void {
    const tail = done
      .catch((error: unknown) => this.host.log.error('a stanza was not finished', { error }))
      .then(() => {
        if (this.#tail === tail) this.#tail = undefined
        after?.()
      })
    this.#tail = tail
  }

  #run(transit: Transit): Awaitable<void> {
    if (this.isFenced) return
    try {
      const done = transit.run()
      return isPromise(done) ? done.catch((error: unknown) => this.#refused(transit, error)) : done
    } catch (error) {
      return this.#refused(transit, error)
    }
  }

  /** The stanza was taken in but could not be stored or delivered: its sender hears of it. */
  #refused(transit: Transit, error: unknown): Awaitable<void> {
    // Another node has the session by now: its client sends there what this one has not answered for.
    if ((error instanceof StoreError || error instanceof LiveError) && error.code === 'fenced')
      return this.replaced('fenced')
    if (transit.stanza && !this.isFenced) return this.server.router.bounce(transit.stanza, error, transit)
  }

  /** The stanza has had its turn. It counts when what it left behind is done, and all stanzas before it. */
  #finished(transit: Transit): void {
    const rest = transit.unfinished
    const before = this.#counting
    if (!rest && !before) {
      this.#count(transit.k)
      return
    }
    this.#inFlight++
    const done = rest?.catch((error: unknown) => this.#refused(transit, error))
    const counted = Promise.all([before, done])
      .catch((error: unknown) => this.host.log.error('a stanza was not finished', { error }))
      .then(() => {
        if (this.#counting === counted) this.#counting = undefined
        this.#count(transit.k)
        this.#left()
      })
    this.#counting = counted
  }

  #count(k: number): void {
    if (k === 0) return
    this.#reached = k
    if (!this.#keeping) this.#keep()
  }

  /** Tells `live` how far the session is; while that is under way, what is done meanwhile waits for the next time. */
  #keep(): void {
    const k = this.#reached
    const told = this.server.live.inbound(this.sid, this.epoch, k)
    if (!isPromise(told)) {
      this.#kept(k, told)
      return
    }
    this.#keeping = told
      .then(
        answer => this.#kept(k, answer),
        async (error: unknown) => {
          this.host.log.error('a count was not kept', { error })
          await new Promise<void>(resolve => this.server.clock.after(RETRY, resolve))
        },
      )
      .then(() => {
        this.#keeping = undefined
        if (this.#reached > this.handled && !this.#over) this.#keep()
      })
  }

  #kept(k: number, answer: 'ok' | 'fenced'): void {
    if (answer === 'fenced') {
      this.replaced('taken')
      return
    }
    this.handled = k
    if (this.server.live.isShared) this.server.store.messages.handedOn(this.sid, k)
    while (this.#heeded[0] && this.#heeded[0].k <= k) this.#heeded.shift()!.task()
  }

  #refuseElement(element: Element, error: StanzaError): Awaitable<void> {
    const type = element.attrs['type']
    if (type === 'error' || type === 'result') return
    return this.send(refusalOf(element.name, { id: element.attrs['id'], from: this.host.jid, to: this.jid }, error))
  }

  /** Without acknowledgements a message counts as taken when the network has it. */
  #taken(id: bigint): void {
    this.#owed.push(id)
    if (this.#owed.length === 1) this.#clearFlushed()
  }

  /** Clears what has been written by now when it has left; what is written meanwhile has its turn behind it. */
  #clearFlushed(): void {
    const written = this.#owed.length
    this.stream?.flushed(() => {
      this.server.store.messages.clearOwed(this.account.text, this.#owed.splice(0, written))
      if (this.#owed.length > 0) this.#clearFlushed()
    })
  }
}
