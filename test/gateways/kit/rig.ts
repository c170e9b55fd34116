import { createHash } from 'node:crypto'
import {
  type Ack,
  type Adapter,
  AdapterError,
  can,
  type Event,
  type EventOf,
  type Feature,
  type Outgoing,
  readSetting,
} from '@parley/adapter'
import {
  type Ask,
  argumentsOf,
  type Ears,
  type Hosted,
  localHost,
  Net,
  piecesOf,
  type SessionInit,
} from '@parley/gateway'
import { systemClock } from '@xmpp/server-core'
import type { Login, Peer } from './peer.ts'

const PATIENCE = 5000
let keys = 0

/** Something new for `key`. */
export const by = () => ({ key: `key${++keys}` })

/** A session of the adapter under test, with the context that the engine gives it, on real connections of this machine. */
export class Rig {
  readonly adapter: Adapter
  readonly login: Login
  readonly events: Event[] = []
  /** All that was logged. */
  readonly lines: string[] = []
  readonly #hosted: Hosted
  readonly #kept: Map<string, string>

  constructor(adapter: Adapter, peer: Peer, login: Login, kept = new Map<string, string>(), settings = peer.settings) {
    this.adapter = adapter
    this.login = login
    this.#kept = kept
    for (const [name, value] of Object.entries(login.secrets)) kept.set(`secrets ${name}`, value)
    const net = new Net({ allow: ['127.0.0.0/8', '::1'] }, systemClock)
    const host = localHost(adapter, net, [])
    const init: SessionInit = {
      settings: valuesOf(adapter, settings) as SessionInit['settings'],
      account: { owner: 'romeo@example.org', fields: login.fields },
      domain: `${adapter.id}.example.org`,
    }
    this.#hosted = host.open(init, this.#ears())
  }

  /** A session that is online. */
  static async online(adapter: Adapter, peer: Peer, login: Login, kept?: Map<string, string>): Promise<Rig> {
    const rig = new Rig(adapter, peer, login, kept)
    await rig.start()
    return rig
  }

  /** What the adapter keeps: for the next session of the same account. */
  get kept(): Map<string, string> {
    return this.#kept
  }

  async start(): Promise<void> {
    await this.#hosted.start()
  }

  stop(): Promise<void> {
    return this.#hosted.stop()
  }

  /** Sends a text as the core does: cleaned and cut. Gives what the network said of the first piece. */
  async send(peer: string, text: string, more: Partial<Outgoing> = {}): Promise<Ack> {
    const message = { ...by(), to: { peer }, text, receipt: false, ...more }
    const acks: Ack[] = []
    for (const piece of piecesOf(message, this.adapter.capabilities))
      acks.push((await this.#hosted.call('send', [piece])) as Ack)
    return acks[0]!
  }

  /** A command, as the core gives it. */
  do(name: Parameters<Hosted['call']>[0], ...args: readonly unknown[]): Promise<unknown> {
    return this.#hosted.call(name, argumentsOf(name, args, this.adapter.capabilities))
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

  #ears(): Ears {
    return {
      events: events => {
        this.events.push(...events)
        this.#hosted.credit(events.length)
      },
      died: () => {},
      log: (level, text, about) => void this.lines.push(`${level} ${text} ${JSON.stringify(about ?? {})}`),
      ask: async ask => this.#answer(ask),
    }
  }

  #answer(ask: Ask): unknown {
    if (ask.what === 'put') return createHash('sha1').update(ask.bytes).digest('hex')
    if (ask.what === 'media') return undefined
    const name = `${ask.vault} ${ask.name}`
    if (ask.what === 'get') return this.#kept.get(name)
    if (ask.value === undefined) this.#kept.delete(name)
    else this.#kept.set(name, ask.value)
    return undefined
  }
}

function valuesOf(adapter: Adapter, given: Peer['settings']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(adapter.settings).map(([name, setting]) => {
      const value = given[name] === undefined ? undefined : readSetting(setting, String(given[name]))
      return [name, value ?? setting.default]
    }),
  )
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
