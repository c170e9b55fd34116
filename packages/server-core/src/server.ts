import { randomBytes } from 'node:crypto'
import { Jid } from '@parley/jid'
import { type Ended, type Live, type LiveHandlers, newEntry } from '@parley/live'
import { type Clock, systemClock } from '@parley/net'
import { parseStanza } from '@parley/stanza'
import type { Store } from '@parley/store'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import type { Config } from './config/schema.ts'
import { Counters, type Figures } from './counters.ts'
import { observe } from './hooks.ts'
import { Host } from './host.ts'
import { ANSWER } from './iq.ts'
import { checkModuleOptions, loadModules } from './loader.ts'
import type { Logger } from './log.ts'
import type { AnyModule } from './module.ts'
import { Router } from './router.ts'
import { Session } from './session.ts'
import type { StreamCondition } from './stream/errors.ts'
import { ClientStream } from './stream/stream.ts'
import type { Wire } from './stream/wire.ts'
import { networkOf, Throttle } from './throttle.ts'

/** From the connection to a session: a peer that is slower is sent away (RFC 6120 §4.9.3.4). */
const NEGOTIATION = 60_000

/** Connections without a session: where more come, the oldest makes room, so that somebody who is quick still gets in. */
const NEGOTIATING = 10_000

/** How long a stop waits for what clients have sent. */
const STOP_PATIENCE = 5000

/** Streams that are closed at once when clients go on elsewhere, and the pause behind them (ms). */
const SENT_AWAY = 250
const SENT_AWAY_PAUSE = 50

/** What nodes tell each other when an account must log in again. */
const DISCONNECT = 'disconnect'

export interface ServerParts {
  readonly config: Config
  readonly store: Store
  readonly live: Live
  readonly log: Logger
  readonly modules: readonly AnyModule[]
  readonly clock?: Clock
  /** What XEP-0092 tells. */
  readonly version?: string
}

/** One front end: its hosts and router, and the streams that are connected to it. */
export class Server {
  readonly config: Config
  readonly store: Store
  readonly live: Live
  readonly log: Logger
  readonly clock: Clock
  readonly version: string
  readonly router: Router
  /** Sessions whose client is connected here, by id. */
  readonly sessions = new Map<string, Session>()
  readonly connections: Throttle
  readonly counters = new Counters()
  /** What modules count, read when somebody asks: each family of metrics comes from one of them. */
  readonly figures: (() => readonly Figures[])[] = []
  readonly #streams = new Set<ClientStream>()
  readonly #negotiating = new Map<ClientStream, number>()
  #stops: (() => Awaitable<void>)[] = []
  readonly #finishing = new Set<Promise<void>>()
  readonly #topics = new Map<string, readonly ((text: string, from: string) => void)[]>()
  #usable: Resolvable | undefined
  #draining = false

  private constructor(parts: ServerParts) {
    this.config = parts.config
    this.store = parts.store
    this.live = parts.live
    this.log = parts.log
    this.clock = parts.clock ?? systemClock
    this.version = parts.version ?? '0'
    this.router = new Router(this.live, this.store.messages, this.clock, this.log)
    this.connections = new Throttle(this.clock, this.config.limits.connections)
  }

  /** Sets up every domain with its modules. @throws TypeError for module options that are not allowed */
  static async start(parts: ServerParts): Promise<Server> {
    const problems = checkModuleOptions(parts.modules, parts.config.modules)
    if (problems.length > 0) throw new TypeError(problems.join('\n'))
    const server = new Server(parts)
    const { store, live, log, clock, router } = server
    const shared = { store, live, clock, log, iterations: parts.config.auth.iterations }
    for (const config of parts.config.domains.values()) {
      const host = new Host(config, shared)
      router.hosts.set(config.domain, host)
      const loader = { store, live, clock, router, options: parts.config.modules, server }
      server.#stops.push(await loadModules(host, parts.modules, loader))
    }
    live.handle(server.#handlers())
    server.hear(ANSWER, text => {
      const answer = parseStanza(text)
      if (answer.name === 'iq') router.answered(answer)
    })
    server.hear(DISCONNECT, text => {
      const [except = '', account = ''] = text.split('\n')
      server.#disconnectHere(Jid.parse(account), except)
    })
    server.#stops.push(clock.every(1000, () => server.#sweep()))
    return server
  }

  get defaultDomain(): string {
    return this.hosts[0]!.domain
  }

  get hosts(): readonly Host[] {
    return [...this.router.hosts.values()]
  }

  get streams(): ReadonlySet<ClientStream> {
    return this.#streams
  }

  /** Whether anything can be promised now: while not, others may be about to take over what this node has. */
  get usable(): boolean {
    return this.#usable === undefined
  }

  get draining(): boolean {
    return this.#draining
  }

  /** The host of a domain as a peer wrote it. */
  hostOf(domain: string): Host | undefined {
    const exact = this.router.hosts.get(domain)
    if (exact) return exact
    const jid = Jid.tryParse(domain)
    return jid?.local === '' && jid.isBare ? this.router.hosts.get(jid.domain) : undefined
  }

  isSameAddress(text: string, jid: Jid): boolean {
    const other = Jid.tryParse(text)
    return other !== undefined && (other.equals(jid) || other.equals(jid.bare))
  }

  /** A new connection. Undefined: its address has too many, or the server is going down. */
  accept(wire: Wire): ClientStream | undefined {
    if (this.#draining || !this.connections.take(networkOf(wire.remote))) {
      wire.destroy()
      return undefined
    }
    const stream = new ClientStream(this, wire)
    this.#streams.add(stream)
    this.#negotiating.set(stream, this.clock.monotonic() + NEGOTIATION)
    if (this.#usable) stream.during(this.#usable.promise)
    if (this.#negotiating.size > NEGOTIATING) this.makeRoom()
    return stream
  }

  /** Cuts the oldest connection without a session. False: there is none. */
  makeRoom(): boolean {
    const [oldest] = this.#negotiating.keys()
    oldest?.wire.destroy()
    oldest?.lost()
    return oldest !== undefined
  }

  closed(stream: ClientStream): void {
    this.#streams.delete(stream)
    this.#negotiating.delete(stream)
  }

  authenticated(stream: ClientStream): void {
    stream.host?.log.debug('authenticated', { account: stream.account?.text, address: stream.wire.remote })
  }

  /**
   * Binds a resource for an authenticated stream; an empty one is made up (RFC 6120 §7.6). The session is corked: the
   * caller answers the client, then lets go.
   */
  async bind(stream: ClientStream, resource: string): Promise<Session> {
    const { account, host } = stream
    if (!account || !host) throw new Error('A stream binds after authentication')
    const jid = account.withResource(resource === '' ? randomBytes(9).toString('base64url') : resource)
    const sid = randomBytes(16).toString('base64url')
    const session = new Session(this, host, stream, newEntry(sid, jid, this.clock.now()), 0)
    session.cork()
    session.epoch = (await this.live.open(sid, jid, session)).epoch
    this.sessions.set(sid, session)
    this.#attach(stream, session)
    await observe(host.observers.opened, { session }, host.log)
    return session
  }

  /** Gives a resumed session to its new stream. */
  adopt(stream: ClientStream, session: Session): void {
    this.sessions.set(session.sid, session)
    this.#attach(stream, session)
  }

  /** Ends all sessions and streams of an account, but for the session `except` (password changed, account gone). */
  async disconnect(account: Jid, except = ''): Promise<void> {
    this.live.tell(DISCONNECT, `${except}\n${account}`)
    this.#disconnectHere(account, except)
    for (const entry of await this.live.sessionsNow(account)) {
      if (entry.sid !== except) await this.end(entry.sid, 'not-authorized', 'Log in again')
    }
  }

  #disconnectHere(account: Jid, except: string): void {
    for (const stream of this.#streams) {
      if (stream.account?.equals(account) && stream.session?.sid !== except)
        stream.fail('not-authorized', 'Log in again')
    }
  }

  /** Ends a session wherever it is, held ones included, with a stream error where it has a stream here. */
  async end(sid: string, condition: StreamCondition, text: string): Promise<void> {
    this.sessions.get(sid)?.stream?.fail(condition, text)
    const ended = await this.live.close(sid)
    if (ended) this.#ended(ended)
  }

  /** From now on nobody is let in: balancers look elsewhere. */
  drain(): void {
    this.#draining = true
  }

  /** Runs `task` at the stop: what clients have sent is finished then, and `live` is still there. */
  atStop(task: () => Awaitable<void>): void {
    this.#stops.push(task)
  }

  /** Says goodbye to every client, finishes what they sent, and stops the modules. */
  async stop(): Promise<void> {
    this.drain()
    const sessions = [...this.sessions.values()]
    await this.#sendAway()
    // While the database is away nothing is finished: a client that counts sends it again, any other was told nothing.
    const patience = new Promise<void>(resolve => this.clock.after(STOP_PATIENCE, resolve))
    const done = Promise.all(sessions.map(session => session.drained())).then(() => this.finished())
    await Promise.race([done, patience])
    for (const stop of this.#stops.reverse()) await stop()
    this.router.stop()
    await this.live.stop()
  }

  #handlers(): LiveHandlers {
    return {
      ended: ended => this.#ended(ended),
      stray: (account, packet) =>
        this.#observe(account, host => observe(host.observers.strayed, { account, packet }, host.log)),
      missed: entries => {
        for (const entry of entries)
          this.#observe(entry.jid, host => observe(host.observers.missed, { entry }, host.log))
      },
      told: (topic, text, from) => {
        for (const listen of this.#topics.get(topic) ?? []) listen(text, from)
      },
      usable: is => this.#pause(is),
    }
  }

  /** Hears what other nodes {@link Live.tell} or {@link Live.post} about a topic; `from` names the node. */
  hear(topic: string, listen: (text: string, from: string) => void): void {
    this.#topics.set(topic, [...(this.#topics.get(topic) ?? []), listen])
  }

  #observe(about: Jid, tell: (host: Host) => Awaitable<void>): void {
    const host = this.router.hosts.get(about.domain)
    if (host) this.finish(host, tell(host))
  }

  /** While nothing can be promised nothing is read: what clients send stays theirs. */
  #pause(usable: boolean): void {
    this.log[usable ? 'info' : 'warn'](
      usable ? 'reading from clients again' : 'not reading from clients: Redis is away',
    )
    if (usable) {
      this.#usable?.resolve()
      this.#usable = undefined
      return
    }
    this.#usable = resolvable()
    for (const stream of this.#streams) stream.during(this.#usable.promise)
  }

  /** Where others take the clients over they must not all come at once. */
  async #sendAway(): Promise<void> {
    let left = this.live.isShared ? SENT_AWAY : Number.POSITIVE_INFINITY
    for (const stream of this.#streams) {
      stream.fail('system-shutdown', 'The server is going down')
      if (--left > 0) continue
      left = SENT_AWAY
      await new Promise<void>(resolve => this.clock.after(SENT_AWAY_PAUSE, resolve))
    }
  }

  /** A connection that broke during negotiation tells its new session at once. */
  #attach(stream: ClientStream, session: Session): void {
    this.#negotiating.delete(stream)
    if (stream.isOpen) stream.attach(session)
    else this.finish(session.host, session.lost())
  }

  #ended(ended: Ended): void {
    const host = this.router.hosts.get(ended.entry.jid.domain)
    this.sessions.delete(ended.entry.sid)
    if (host) this.finish(host, this.finishEnded(host, ended))
  }

  /** Tells everybody who must hear of it that a session is over; then it may be forgotten. */
  finishEnded(host: Host, ended: Ended): Awaitable<void> {
    return chain(observe(host.observers.ended, ended, host.log), () => this.live.finished(ended.entry.sid))
  }

  /** What goes on when its stream or session is gone already; stopping waits for it. */
  finish(host: Host, work: Awaitable<void>): void {
    if (!isPromise(work)) return
    const done = work
      .catch((error: unknown) => host.log.error('a session did not end well', { error }))
      .finally(() => this.#finishing.delete(done))
    this.#finishing.add(done)
  }

  /** Resolves when sessions that have ended are finished for everybody. */
  async finished(): Promise<void> {
    while (this.#finishing.size > 0) await Promise.all(this.#finishing)
  }

  #sweep(): void {
    const now = this.clock.monotonic()
    for (const [stream, deadline] of this.#negotiating) {
      if (deadline <= now) stream.fail('connection-timeout', 'No session within a minute')
    }
  }
}

interface Resolvable {
  readonly promise: Promise<void>
  resolve(): void
}

function resolvable(): Resolvable {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
