import { createHash } from 'node:crypto'
import { type Adapter, type Event, readSetting } from '@parley/adapter'
import { type Ask, type Ears, type Hosted, localHost, Net, type SessionInit } from '@parley/gateway'
import { HurriedClock } from './clock.ts'
import type { Login, Peer } from './peer.ts'

/** A session of the adapter under test, with the context that the engine gives it, on real connections of this machine. */
export class Running {
  readonly adapter: Adapter
  readonly events: Event[] = []
  /** All that was logged. */
  readonly lines: string[] = []
  /** What the adapter keeps: for the next session of the same account, or of the same network. */
  readonly kept: Map<string, string>
  /** What must not be seen anywhere. */
  readonly secrets: readonly string[]
  readonly clock = new HurriedClock()
  readonly #hosted: Hosted
  readonly #users = new Set<object>()
  #started: Promise<unknown> | undefined

  constructor(adapter: Adapter, settings: Peer['settings'], login: Login, kept = new Map<string, string>()) {
    this.adapter = adapter
    this.kept = kept
    const own = Object.entries(adapter.settings).flatMap(([name, { type }]) =>
      type === 'secret' ? [settings[name]] : [],
    )
    this.secrets = [...Object.values(login.secrets), ...own].flatMap(value => (value ? [String(value)] : []))
    for (const [name, value] of Object.entries(login.secrets)) kept.set(`secrets ${name}`, value)
    const net = new Net({ allow: ['127.0.0.0/8', '::1'] }, this.clock)
    const init: SessionInit = {
      settings: valuesOf(adapter, settings) as SessionInit['settings'],
      account: adapter.mode === 'account' ? { owner: 'romeo@example.org', fields: login.fields } : undefined,
      domain: `${adapter.id}.example.org`,
    }
    this.#hosted = localHost(adapter, net, []).open(init, this.#ears())
  }

  get isUsed(): boolean {
    return this.#users.size > 0
  }

  /** Somebody who has this session until they leave it. */
  use(who: object): void {
    this.#users.add(who)
  }

  /** The last one to leave ends it. */
  async leave(who: object): Promise<void> {
    this.#users.delete(who)
    if (!this.isUsed) await this.#hosted.stop()
  }

  async start(): Promise<void> {
    this.#started ??= this.#hosted.start()
    await this.#started
  }

  call(name: Parameters<Hosted['call']>[0], args: readonly unknown[]): Promise<unknown> {
    return this.#hosted.call(name, args)
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
    if (ask.what === 'get') return this.kept.get(name)
    if (ask.value === undefined) this.kept.delete(name)
    else this.kept.set(name, ask.value)
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
