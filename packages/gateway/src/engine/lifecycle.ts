import { AdapterError, type Event, type EventOf, type Failure } from '@parley/adapter'
import type { Awaitable, Clock, Logger } from '@xmpp/server-core'
import type { AccountKey, AccountState, AccountStatus, Sending } from '../engine.ts'
import { Backoff } from './backoff.ts'
import { Hearing, hearingPace } from './hearing.ts'
import type { Ears, Host, Hosted } from './host.ts'
import type { Outbox } from './outbox.ts'
import type { Pace } from './pace.ts'
import type { Ramp } from './ramp.ts'
import type { Core, SessionInit } from './run/context.ts'
import { isAdapterError } from './run/errors.ts'
import type { RunnerCommand } from './run/runner.ts'
import type { Slices } from './slices.ts'

/** Milliseconds. A session that has been well for so long begins its back-off anew. */
const STABLE = 120_000
/** For a session to come online, for a command, and for an answer to a ping. */
const START = 120_000
const COMMAND = 60_000
const PING = 30_000
/** Silence after which the network is asked whether it is there. */
const SILENCE = 60_000
/** Before the one attempt to come back where another program has taken over: both would fight. */
const REPLACED = 60_000

/** What a session is made of, when it is time. */
export interface Setup {
  readonly init: SessionInit
  readonly host: Host
}

export interface AccountParts {
  readonly key: AccountKey
  readonly clock: Clock
  readonly log: Logger
  readonly ramp: Ramp
  readonly outbox: Outbox
  readonly core: Core
  readonly slices: Slices
  /** Where sessions to the same place start one after another. */
  place(): string
  /** Undefined: there is no such account, or no such network. */
  setup(): Promise<Setup | undefined>
  /** Never rejects. */
  hear(event: Event): Awaitable<void>
  changed(status: AccountStatus): void
}

/** States in which an account stays until somebody does something. */
const STUCK: ReadonlySet<AccountState> = new Set(['needs-login', 'replaced', 'denied', 'quarantined'])
const STAYS: { readonly [F in Failure]?: AccountState } = {
  credentials: 'needs-login',
  action: 'needs-login',
  denied: 'denied',
}

interface Running {
  readonly hosted: Hosted
  readonly hearing: Hearing
  commands: ReadonlySet<RunnerCommand>
  /** On the monotonic clock: when the network was last heard. */
  heard: number
  pings: number
}

/** One account: wanted or not, with a session or on its way to one (the states of {@link AccountStatus}). */
export class Account {
  readonly key: AccountKey
  readonly outbox: Outbox
  readonly #parts: AccountParts
  readonly #backoff = new Backoff()
  readonly #pace: Pace
  #status: AccountStatus
  #isWanted = false
  #running: Running | undefined
  /** Counts attempts, so that what comes late finds that it is. */
  #attempt = 0
  #cancel = () => {}
  /** Not before, on the monotonic clock: the network has said so. */
  #notBefore = 0
  #wasReplaced = false
  /** Where a start is under way. */
  #starting: string | undefined
  #endings: Promise<void> = Promise.resolve()

  constructor(parts: AccountParts) {
    this.#parts = parts
    this.#pace = hearingPace(parts.clock)
    this.key = parts.key
    this.outbox = parts.outbox
    this.#status = { state: 'idle', since: parts.clock.now() }
  }

  get status(): AccountStatus {
    return this.#status
  }

  get isWanted(): boolean {
    return this.#isWanted
  }

  wake(afresh: boolean): void {
    const { state } = this.#status
    this.#isWanted = true
    if (afresh) this.#wasReplaced = false
    // What has failed too often is for the operator to begin again.
    const isAgain = afresh && state !== 'quarantined' && (STUCK.has(state) || state === 'waiting')
    if (state === 'idle' || isAgain) this.#begin()
  }

  /** Resolves when the session has stopped. */
  async rest(): Promise<void> {
    this.#isWanted = false
    this.#end()
    // A password that is wrong is not tried again only because somebody has gone and come back.
    if (!STUCK.has(this.#status.state)) this.#set('idle')
    await this.#endings
  }

  /** Begins anew, with other settings. */
  renew(): void {
    this.#notBefore = 0
    this.#backoff.reset()
    this.#set('idle')
    this.wake(true)
  }

  send(message: Parameters<Outbox['send']>[0]): Sending {
    return this.outbox.send(message)
  }

  /** @throws AdapterError */
  async call(name: RunnerCommand, args: readonly unknown[]): Promise<unknown> {
    const running = this.#running
    const { state } = this.#status
    if (!running || (state !== 'online' && state !== 'degraded'))
      throw new AdapterError('transient', 'The network is not connected')
    if (!running.commands.has(name)) throw new AdapterError('unsupported', 'The network cannot do that')
    const result = await this.#inTime(running.hosted.call(name, args), COMMAND, 'The network does not answer')
    running.heard = this.#parts.clock.monotonic()
    return result
  }

  /** To be called now and then: asks a network that is silent whether it is there. */
  tick(): void {
    const running = this.#running
    const now = this.#parts.clock.monotonic()
    if (!running?.commands.has('ping') || now - running.heard < SILENCE) return
    running.heard = now
    this.#inTime(running.hosted.call('ping', []), PING, 'The network does not answer').then(
      () => {
        running.pings = 0
      },
      (error: unknown) => {
        // One may be lost; a second one is a connection that is only half there.
        if (this.#running === running && ++running.pings > 1) this.#failed(error)
      },
    )
  }

  #begin(): void {
    const attempt = ++this.#attempt
    const wait = this.#notBefore - this.#parts.clock.monotonic()
    if (wait > 0) {
      this.#later(wait)
      return
    }
    this.#set('connecting')
    const place = this.#parts.place()
    this.#cancel = this.#parts.ramp.enter(place, () => {
      this.#starting = place
      void this.#start(attempt)
    })
  }

  async #start(attempt: number): Promise<void> {
    try {
      await this.#endings
      const setup = await this.#parts.setup()
      await this.outbox.load()
      if (attempt !== this.#attempt) return
      if (setup) await this.#open(setup, attempt)
      else {
        this.#end()
        this.#isWanted = false
        this.#set('idle')
      }
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error)
    }
  }

  async #open({ host, init }: Setup, attempt: number): Promise<void> {
    const { clock } = this.#parts
    const hosted = host.open(
      init,
      this.#ears(attempt, events => this.#add(running, events)),
    )
    const hearing = new Hearing({
      clock,
      pace: this.#pace,
      slices: this.#parts.slices,
      hear: event => this.#hear(event, attempt),
      credit: count => hosted.credit(count),
    })
    const running: Running = { hosted, hearing, commands: new Set(), heard: clock.monotonic(), pings: 0 }
    this.#running = running
    const commands = await this.#inTime(hosted.start(), START, 'The network takes too long to let us in')
    if (attempt !== this.#attempt) return
    running.commands = new Set(commands)
    // What the session has said while it came online is known before anybody may ask it something.
    await hearing.done()
    if (attempt !== this.#attempt) return
    this.#started(true)
    this.#set('online')
    this.#cancel = clock.after(STABLE, () => this.#backoff.reset())
    this.outbox.open()
  }

  #ears(attempt: number, events: Ears['events']): Ears {
    const { core } = this.#parts
    return {
      ask: ask => core.ask(ask),
      log: (level, text, about) => core.log(level, text, about),
      events,
      died: lasting => {
        if (attempt !== this.#attempt) return
        if (!lasting) this.#failed(new AdapterError('protocol', 'The gateway has failed'))
        else {
          this.#end()
          this.#set('quarantined', 'The gateway has failed too often')
        }
      },
    }
  }

  /** Also of a session that is being ended: what the network has said once it will not say again. */
  #add(running: Running, events: readonly Event[]): void {
    running.heard = this.#parts.clock.monotonic()
    running.pings = 0
    running.hearing.add(events)
  }

  #hear(event: Event, attempt: number): Awaitable<void> {
    if (event.type !== 'ended' && event.type !== 'state') return this.#parts.hear(event)
    if (attempt !== this.#attempt) return undefined
    return event.type === 'ended' ? this.#failed(event.error) : this.#said(event)
  }

  /** How a start has ended, for others who want to go to the same place; undefined: that says nothing about it. */
  #started(ok: boolean | undefined): void {
    const place = this.#starting
    this.#starting = undefined
    if (place === undefined) return
    if (ok === undefined) this.#parts.ramp.release(place)
    else this.#parts.ramp.report(place, ok)
  }

  #said({ state, detail }: EventOf<'state'>): void {
    const { state: now } = this.#status
    if ((now === 'online' || now === 'degraded') && now !== state) this.#set(state, detail)
  }

  /** The session has come to nothing: it comes again by itself, or waits for somebody to do something. */
  #failed(error: unknown): void {
    const reason = isAdapterError(error) ? error : new AdapterError('protocol', 'The gateway has a fault')
    if (reason !== error) this.#parts.log.error('a session of a gateway failed', { ...this.key, error })
    const { failure, message, retryAfter } = reason
    const { clock } = this.#parts
    // Only what lies between us and the network says something about the network.
    this.#started(failure === 'transient' ? false : undefined)
    const stays = STAYS[failure] ?? (failure === 'replaced' && this.#wasReplaced ? failure : undefined)
    this.#end()
    if (stays) {
      this.#set(stays, message, failure)
      return
    }
    if (failure === 'replaced') this.#wasReplaced = true
    const backoff = this.#backoff.next()
    if (failure === 'limited') this.#notBefore = clock.monotonic() + (retryAfter ?? backoff)
    const wait =
      failure === 'limited'
        ? (retryAfter ?? backoff)
        : failure === 'replaced'
          ? REPLACED
          : Math.max(backoff, retryAfter ?? 0)
    this.#set('waiting', message, failure)
    this.#later(wait)
  }

  #later(ms: number): void {
    const attempt = ++this.#attempt
    if (this.#status.state !== 'waiting') this.#set('waiting')
    this.#cancel()
    this.#cancel = this.#parts.clock.after(ms, () => {
      if (attempt === this.#attempt && this.#isWanted) this.#begin()
    })
  }

  /** Ends what there is; what was heard is still told. */
  #end(): void {
    this.#attempt++
    this.#started(undefined)
    this.#cancel()
    this.#cancel = () => {}
    this.outbox.close()
    const running = this.#running
    this.#running = undefined
    if (running) this.#endings = this.#finish(running, this.#endings)
  }

  async #finish({ hosted, hearing }: Running, before: Promise<void>): Promise<void> {
    await before
    await hosted.stop().catch((error: unknown) => this.#parts.log.warn('a session did not stop', { error }))
    await hearing.done()
  }

  #set(state: AccountStatus['state'], detail?: string, failure?: Failure): void {
    const { state: before, detail: said } = this.#status
    if (before === state && said === detail) return
    const since = this.#parts.clock.now()
    this.#status = { state, since, ...(detail !== undefined && { detail }), ...(failure && { failure }) }
    this.#parts.changed(this.#status)
  }

  #inTime<T>(work: Promise<T>, ms: number, text: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = this.#parts.clock.after(ms, () => reject(new AdapterError('transient', text)))
      work.then(resolve, reject).finally(late)
    })
  }
}
