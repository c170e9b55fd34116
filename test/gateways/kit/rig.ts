import {
  type Ack,
  type Adapter,
  AdapterError,
  type By,
  can,
  type Event,
  type EventOf,
  type Feature,
  type Outgoing,
} from '@parley/adapter'
import { argumentsOf, type Hosted, piecesOf } from '@parley/gateway'
import type { Login } from './peer.ts'
import type { Running } from './running.ts'

const PATIENCE = 15_000
let keys = 0

/** Something new for `key`. */
export const by = (): By => ({ key: `key${++keys}` })

/** What a user does and hears in a session of the adapter under test: their own, or the one that all have. */
export class Rig {
  readonly adapter: Adapter
  readonly login: Login
  readonly running: Running
  #here = false

  constructor(running: Running, login: Login) {
    this.adapter = running.adapter
    this.running = running
    this.login = login
    running.use(this)
  }

  /** What was told of this user, and what concerns all. */
  get events(): readonly Event[] {
    const { user } = this.login
    const { events } = this.running
    return user === undefined ? events : events.filter(event => event.user === undefined || event.user === user)
  }

  /** All that was logged. */
  get lines(): readonly string[] {
    return this.running.lines
  }

  /** What the adapter keeps: for the next session of the same account. */
  get kept(): Map<string, string> {
    return this.running.kept
  }

  /** Where nobody logs in a user comes by being there. */
  async start(): Promise<void> {
    await this.running.start()
    if (!this.#isShown) return
    this.#here = true
    await this.do('setPresence', { show: 'available' }, by())
  }

  async stop(): Promise<void> {
    if (this.#here) await this.do('setPresence', { show: 'unavailable' }, by()).catch(() => undefined)
    this.#here = false
    await this.running.leave(this)
  }

  get #isShown(): boolean {
    return this.login.user !== undefined && this.can('presence', 'out')
  }

  /** Sends a text as the core does: cleaned and cut. Gives what the network said of the first piece. */
  async send(peer: string, text: string, more: Partial<Outgoing> = {}): Promise<Ack> {
    const message = { ...this.#mine(by()), to: { peer }, text, receipt: false, ...more }
    const acks: Ack[] = []
    for (const piece of piecesOf(message, this.adapter.capabilities))
      acks.push((await this.running.call('send', [piece])) as Ack)
    return acks[0]!
  }

  /** A command, as the core gives it: the last thing said is who does it. */
  do(name: Parameters<Hosted['call']>[0], ...args: readonly unknown[]): Promise<unknown> {
    const said = args.length === 0 ? [] : [...args.slice(0, -1), this.#mine(args.at(-1) as By)]
    return this.running.call(name, argumentsOf(name, said, this.adapter.capabilities))
  }

  #mine(one: By): By {
    const { user } = this.login
    return user === undefined ? one : { user, ...one }
  }

  of<T extends Event['type']>(type: T): readonly EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type)
  }

  /** Messages that somebody else has sent. */
  get heard(): readonly EventOf<'message'>[] {
    return this.of('message').filter(({ origin }) => origin === 'remote')
  }

  can(feature: Feature, way: 'in' | 'out'): boolean {
    return can(this.adapter.capabilities, feature, way)
  }
}

/** Gives what `look` finds, as soon as it finds something; fails when that takes too long. */
export async function eventually<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`${what}: it did not come to that`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** What somebody has heard others say. */
export function textsOf(events: readonly Event[]): readonly string[] {
  return events.flatMap(event => (event.type === 'message' && event.origin === 'remote' ? [event.text] : []))
}

/** The error that a session ends with or a command is refused with; fails where it is none that adapters may throw. */
export async function failureOf(work: Promise<unknown>): Promise<AdapterError> {
  try {
    await work
  } catch (error) {
    if (error instanceof AdapterError) return error
    throw new Error(`An adapter throws nothing but AdapterError: ${String(error)}`)
  }
  throw new Error('It was not refused')
}
