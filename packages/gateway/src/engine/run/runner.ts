import { type Adapter, AdapterError, type Event, type Session } from '@parley/adapter'
import { type Core, contextFor, type SessionInit } from './context.ts'
import { isAdapterError, toWire, type WireError } from './errors.ts'
import type { Lines, Net } from './net.ts'
import type { Redactor } from './redact.ts'
import { charsOf, tidy } from './tidy.ts'

/** Events of one session that are on their way to the core or being heard. */
export const CREDIT = 64
/** Events, and characters of them, that wait to be on their way: a network that says more is too loud. */
const WAITING = 20_000
const WAITING_CHARS = 8_388_608
/** Milliseconds that a session has to stop. */
const STOP = 5000

/** What may be asked of a session by name; nothing else of it is reached. */
export const COMMANDS = [
  ...([
    'setPresence',
    'sendPresence',
    'send',
    'typing',
    'delivered',
    'read',
    'edit',
    'retract',
    'react',
    'attention',
  ] as const),
  ...(['addContact', 'removeContact', 'leaveContact', 'renameContact', 'regroupContact', 'answer', 'block'] as const),
  ...(['joinRoom', 'leaveRoom', 'setTopic', 'setNick', 'invite', 'kick', 'listRooms'] as const),
  ...(['profile', 'avatar', 'search', 'ping'] as const),
] as const
export type RunnerCommand = (typeof COMMANDS)[number]

/** An event as it passes between processes: errors are plain. */
export type WireEvent = Exclude<Event, { error: Error }> | WireFailure
export type WireFailure = { readonly user?: string; readonly error: WireError } & (
  | { readonly type: 'ended' }
  | { readonly type: 'bounced'; readonly key: string }
)

export interface RunnerParts {
  readonly adapter: Adapter
  readonly init: SessionInit
  readonly net: Net
  readonly redactor: Redactor
  readonly core: Core & { events(events: readonly WireEvent[]): void }
}

/** The adapter's side of a session: gives it its context, asks it, and sees that what it says has form and measure. */
export class Runner {
  readonly #parts: RunnerParts
  readonly #ended = new AbortController()
  readonly #lines: Lines
  #session: Session | undefined
  #credit = CREDIT
  #waiting: WireEvent[] = []
  #chars = 0
  #scheduled = false
  #isOver = false

  constructor(parts: RunnerParts) {
    this.#parts = parts
    const { init, core, net, redactor, adapter } = parts
    const emit = (event: Event) => this.#emit(event)
    const context = contextFor({ init, core, net, redactor, signal: this.#ended.signal, emit })
    this.#lines = context.lines
    this.#create = () => adapter.create(context)
  }

  readonly #create: () => Session

  get bytes(): Lines['bytes'] {
    return this.#lines.bytes
  }

  /** Gives the names of what the session can be asked. @throws WireError */
  async start(): Promise<readonly RunnerCommand[]> {
    return this.#guarded('start', async () => {
      this.#session = this.#create()
      await this.#session.start()
      this.#flush()
      return COMMANDS.filter(name => typeof this.#session?.[name] === 'function')
    })
  }

  /** Resolves when the session has stopped, or has had the time. Nothing comes of it any more. */
  async stop(): Promise<void> {
    // What the network has said already is heard: it will not say it again.
    this.#credit = Number.POSITIVE_INFINITY
    this.#flush()
    this.#isOver = true
    const { clock } = this.#parts.net
    let late = () => {}
    const patience = new Promise<void>(resolve => {
      late = clock.after(STOP, () => resolve())
    })
    const stopped = (async () => this.#session?.stop())().catch(error => this.#fault('stop', error))
    await Promise.race([stopped, patience])
    late()
    this.#ended.abort(new AdapterError('transient', 'The session has ended'))
    this.#session = undefined
  }

  /** @throws WireError */
  async call(name: RunnerCommand, args: readonly unknown[]): Promise<unknown> {
    return this.#guarded(name, async () => {
      const run = this.#session?.[name] as ((...args: unknown[]) => Promise<unknown>) | undefined
      if (!run || !COMMANDS.includes(name)) throw new AdapterError('unsupported', 'The network cannot do that')
      const result = await run.apply(this.#session, [...args])
      // What was said before the answer is heard before it.
      this.#flush()
      return result
    })
  }

  /** So many events have been heard. */
  credit(count: number): void {
    this.#credit += count
    this.#flush()
  }

  #emit(event: Event): void {
    if (this.#isOver) return
    const tidied = tidy(event)
    if (!tidied) {
      this.#parts.core.log('debug', 'the adapter said what is no event', undefined)
      return
    }
    const wire =
      'error' in tidied ? { ...tidied, error: toWire(tidied.error, this.#parts.redactor) } : (tidied as WireEvent)
    this.#push(wire)
  }

  #push(event: WireEvent): void {
    this.#waiting.push(event)
    this.#chars += charsOf(event)
    if (this.#waiting.length > WAITING || this.#chars > WAITING_CHARS) {
      this.#waiting = []
      this.#end({ failure: 'protocol', message: 'The network says more than can be heard' })
    } else if (event.type === 'ended') {
      this.#isOver = true
      this.#credit = Number.POSITIVE_INFINITY
    }
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#flush())
  }

  #end(error: WireError): void {
    this.#isOver = true
    this.#credit = Number.POSITIVE_INFINITY
    this.#waiting.push({ type: 'ended', error })
  }

  #flush(): void {
    this.#scheduled = false
    const count = Math.min(this.#credit, this.#waiting.length)
    if (count <= 0) return
    const going = this.#waiting.splice(0, count)
    this.#credit -= count
    if (this.#waiting.length === 0) this.#chars = 0
    this.#parts.core.events(going)
  }

  async #guarded<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (!isAdapterError(error)) this.#fault(what, error)
      throw toWire(error, this.#parts.redactor)
    }
  }

  #fault(what: string, error: unknown): void {
    const { core, redactor } = this.#parts
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    core.log('warn', 'the adapter failed', { what, fault: redactor.text(text) })
  }
}
