import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '@parley/adapter'
import {
  type AccountKey,
  type AccountState,
  type Engine,
  type EngineParts,
  openEngine,
  type Provider,
} from '@parley/gateway'
import loopback, { type Login, type Person, type World, world } from '@parley/gateway-loopback'
import { type Live, memoryLive } from '@parley/live'
import type { Store } from '@parley/store'
import { emptyStore, FakeClock } from '@parley/testkit'
import { createLogger, type Logger } from '@xmpp/server-core'

export const ROMEO: AccountKey = { provider: 'loop', owner: 'romeo@a.test' }
export const JULIET: AccountKey = { provider: 'loop', owner: 'juliet@a.test' }

let worlds = 0

/** Somebody of the loopback network that a test plays. */
export class Played implements Login {
  readonly events: Event[] = []
  readonly person: Person
  readonly #world: World

  constructor(at: World, id: string) {
    this.#world = at
    this.person = at.enter(id, this)
  }

  heard(event: Event): void {
    this.events.push(event)
  }

  thrown(): void {}

  says(peer: string, text: string): void {
    this.#world.talk.say(this.person, { peer }, { text }, 0, this)
  }
}

/** An engine on the loopback adapter, with an operator's hand on its provider. */
export class EngineStage {
  readonly clock = new FakeClock()
  readonly events: { readonly key: AccountKey; readonly event: Event }[] = []
  readonly states: string[] = []
  readonly lines: string[] = []
  readonly providers = new Map<string, Provider>()
  readonly worldName = `test ${++worlds}`
  readonly log: Logger
  store!: Store
  data = ''
  readonly #engines: Engine[] = []

  constructor() {
    const write = (line: string) => void this.lines.push(line)
    this.log = createLogger({ level: 'debug', format: 'json', sink: { write } })
    this.set({})
  }

  get world(): World {
    return world(this.worldName)
  }

  /** The provider `loop`, with other settings. */
  set(settings: Provider['settings'], changes: Partial<Provider> = {}): void {
    this.providers.set('loop', {
      ...{ id: 'loop', adapter: 'loopback', enabled: true, verification: 'everyone', seats: false, rooms: true },
      ...{ alwaysOn: true, patience: 300_000, settings: { world: this.worldName, ...settings } },
      ...changes,
    })
  }

  async open(changes: Partial<EngineParts> = {}): Promise<Engine> {
    this.store ??= await emptyStore(() => this.clock.now())
    this.data ||= await mkdtemp(join(tmpdir(), 'parley-gateway-'))
    const engine = await openEngine({
      adapters: [{ id: 'loopback', module: '@parley/gateway-loopback', load: async () => loopback }],
      ...{ store: this.store, live: changes.live ?? this.#live(), clock: this.clock, log: this.log },
      ...{ domains: ['a.test'], data: this.data, net: { allow: [] }, processes: 0, hear: () => {} },
      providers: () => this.providers,
      ...changes,
    })
    engine.listen({
      event: (key, event) => void this.events.push({ key, event }),
      status: (key, { state, detail }) => void this.states.push(`${key.owner} ${state}${detail ? `: ${detail}` : ''}`),
    })
    this.#engines.push(engine)
    return engine
  }

  async close(): Promise<void> {
    for (const engine of this.#engines) await engine.stop()
    if (this.data) await rm(this.data, { recursive: true })
  }

  eventsOf(type: Event['type']): readonly Event[] {
    return this.events.filter(({ event }) => event.type === type).map(({ event }) => event)
  }

  /** Resolves when the account is in that state; fails where it does not come to that. */
  async state(engine: Engine, key: AccountKey, state: AccountState): Promise<void> {
    await until(
      () => engine.status(key).state === state,
      () => `${key.owner} is ${JSON.stringify(engine.status(key))}`,
    )
  }

  #live(): Live {
    return memoryLive()
  }
}

/** Resolves when it is so. Every look lets what is under way go on; what takes longer (ms) does not happen. */
export async function until(
  is: () => boolean,
  describe: () => string = () => 'it never was',
  patience = 15_000,
): Promise<void> {
  const end = performance.now() + patience
  while (!is()) {
    if (performance.now() > end) throw new Error(describe())
    await new Promise(resolve => setImmediate(resolve))
  }
}
