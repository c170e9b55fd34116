import { type Adapter, AdapterError, defineAdapter, type Event, FEATURES, integer, secret, text } from '@parley/adapter'
import type { AccountKey, AccountStatus, CommandName, Engine, EngineListener, IdMap, IdPair } from '@parley/gateway'
import { gatewayModules } from '@parley/gateway'
import { modules } from '@parley/modules'
import type { Actor, ServerOptions, Stage, StagedServer } from '@parley/testkit'
import { type CommandResult, readValues } from '@xmpp/server-core'

/** Milliseconds. */
const PATIENCE = 15_000
const everything = Object.fromEntries(FEATURES.map(feature => [feature, 'both' as const]))
const limits = { maxTextBytes: 1000, charset: 'utf-8', multiline: true, rate: 10 } as const
const settings = {
  host: text('localhost', 'where it is'),
  port: integer(1863, 1, 65_535, 'port'),
  key: secret('a key'),
}
const login = [
  { name: 'username', label: 'Name', type: 'text', required: true },
  { name: 'password', label: 'Password', type: 'secret', required: true },
  { name: 'nick', label: 'Nickname', type: 'text', required: false },
] as const
const shared = {
  edition: 1,
  settings,
  login,
  create: () => {
    throw new Error('nobody creates it')
  },
} as const

/** Names there have no spaces and no capital letters, as in AIM. */
function canonical(id: string): string | undefined {
  const name = id.replaceAll(' ', '').toLowerCase()
  return name === '' || name.length > 100 ? undefined : name
}

const ADAPTERS: readonly Adapter[] = [
  defineAdapter({
    ...shared,
    id: 'puppet',
    title: 'Puppets',
    mode: 'account',
    capabilities: { ...everything, ...limits },
    canonical,
  }),
  defineAdapter({
    ...shared,
    id: 'plain',
    title: 'Plain',
    mode: 'account',
    capabilities: { ...limits, roster: 'both', presence: 'both' },
    canonical: id => (id === '' ? undefined : id),
  }),
  defineAdapter({
    ...shared,
    id: 'phones',
    title: 'Phones',
    mode: 'federation',
    capabilities: { ...everything, ...limits },
    canonical,
  }),
  defineAdapter({
    ...shared,
    id: 'letters',
    title: 'Letters',
    mode: 'federation',
    capabilities: limits,
    canonical,
  }),
]

/** What a network was told to do: who, what, with what. */
export interface Done {
  readonly who: string
  readonly name: CommandName
  readonly args: readonly unknown[]
}

/** What one process hears. */
interface Ear {
  listener: EngineListener | undefined
}

/**
 * Networks that do what the play says; each process of the server has an engine of them. Whoever says that the password is `wrong` is
 * not let in.
 */
export class Puppets {
  readonly adapters = new Map(ADAPTERS.map(adapter => [adapter.id, adapter]))
  readonly installed = [...this.adapters.keys(), 'broken']
  readonly done: Done[] = []
  readonly logins = new Map<
    string,
    { fields: Readonly<Record<string, string>>; secrets: Readonly<Record<string, string>> }
  >()
  readonly sealed = new Map<string, Readonly<Record<string, string>>>()
  readonly pictures = new Map<string, { bytes: Uint8Array; type: string }>()
  /** What a command answers instead of being done; throws to refuse. */
  answers: (name: CommandName, args: readonly unknown[]) => unknown = () => undefined
  /** Whether a login waits until the play says how it goes. */
  slow = false
  readonly #statuses = new Map<string, AccountStatus>()
  readonly #pairs = new Map<string, IdPair[]>()
  readonly #ears: Ear[] = []
  /** Which process has the session: the one that has woken it. */
  readonly #owners = new Map<string, Ear>()
  #sent = 0

  readonly #ids: IdMap = {
    add: async (key, pair) => {
      const pairs = this.#pairs.get(nameOf(key)) ?? []
      this.#pairs.set(nameOf(key), pairs)
      if (pairs.some(({ native }) => native === pair.native)) return false
      pairs.push(pair)
      return true
    },
    byNative: async (key, native) => this.#pairs.get(nameOf(key))?.find(pair => pair.native === native),
    byStanza: async (key, stanza) => this.#pairs.get(nameOf(key))?.find(pair => pair.stanza === stanza),
  }

  /** The engine of one process. */
  engine(): Engine {
    const ear: Ear = { listener: undefined }
    this.#ears.push(ear)
    const { adapters, installed, logins, sealed, pictures } = this
    return {
      ...{ adapters, installed, ids: this.#ids },
      load: async id => adapters.get(id),
      listen: listener => {
        ear.listener = listener
      },
      register: async (key, fields, secrets) => void logins.set(nameOf(key), { fields, secrets }),
      unregister: async key => {
        await this.#rest(key)
        return logins.delete(nameOf(key))
      },
      registration: async key => logins.get(nameOf(key))?.fields,
      registrations: async ({ provider, owner }) =>
        [...logins.keys()]
          .map(keyOf)
          .filter(key => (provider ?? key.provider) === key.provider && (owner ?? key.owner) === key.owner),
      wake: (key, options) => this.#wake(ear, key, options),
      rest: key => this.#rest(key),
      status: key => this.status(key),
      sessions: () => this.#sessions(ear),
      run: (key, name, ...args) => this.#run(key, name, args),
      send: (key, message) => ({ kept: Promise.resolve(), done: this.#run(key, 'send', [message]) }),
      keepSettings: async (provider, secrets) => {
        if (secrets['key'] === 'unsealable') throw new TypeError('gateway.key: there is no key')
        sealed.set(provider, { ...sealed.get(provider), ...secrets })
      },
      forgetSettings: async provider => void sealed.delete(provider),
      rotateKeys: async () => 0,
      media: async id => pictures.get(id),
      providerChanged: async () => {},
      stop: async () => {},
    }
  }

  #wake(ear: Ear, key: AccountKey, { afresh = false } = {}): void {
    const isForAll = key.owner.startsWith(`${key.provider}.`)
    const known = this.logins.get(nameOf(key))
    const { state } = this.status(key)
    // One session for all needs no login.
    if ((!isForAll && !known) || (!afresh && state !== 'idle')) return
    if (!this.#owners.has(nameOf(key))) this.#owners.set(nameOf(key), ear)
    if (isForAll) {
      this.set(key, 'online')
      return
    }
    this.set(key, 'connecting')
    if (this.slow) return
    if (known!.secrets['password'] === 'wrong') this.set(key, 'needs-login', 'The password is wrong')
    else this.set(key, 'online')
  }

  async #rest(key: AccountKey): Promise<void> {
    this.set(key, 'idle')
    this.#owners.delete(nameOf(key))
  }

  status(key: AccountKey): AccountStatus {
    return this.#statuses.get(nameOf(key)) ?? { state: 'idle', since: 0 }
  }

  *#sessions(ear: Ear): Iterable<readonly [AccountKey, AccountStatus]> {
    for (const [name, status] of this.#statuses)
      if (status.state !== 'idle' && this.#owners.get(name) === ear) yield [keyOf(name), status]
  }

  /** The session of that user is like this from now on. */
  set(key: AccountKey, state: AccountStatus['state'], detail?: string): void {
    const before = this.status(key)
    const status = { state, since: 0, ...(detail !== undefined && { detail }) }
    this.#statuses.set(nameOf(key), status)
    if (before.state !== state || before.detail !== detail) this.#listener(key)?.status(key, status)
  }

  async #run(key: AccountKey, name: CommandName, args: readonly unknown[]): Promise<never> {
    this.done.push({ who: key.owner, name, args })
    const answer = this.answers(name, args)
    if (answer !== undefined) return answer as never
    if (name === 'send' || name === 'edit') return { level: 'sent', id: `native-${++this.#sent}` } as never
    if (name === 'listRooms' || name === 'search') return [] as never
    return undefined as never
  }

  #listener(key: AccountKey): EngineListener | undefined {
    return (this.#owners.get(nameOf(key)) ?? this.#ears[0])?.listener
  }

  /** Something happens there. Resolves when everybody has been told. */
  async happens(key: AccountKey, ...events: readonly Event[]): Promise<void> {
    for (const event of events) await this.#listener(key)!.event(key, event)
  }

  /** What was done since the last time, by name, without what is new each time. */
  took(...names: readonly CommandName[]): readonly (readonly unknown[])[] {
    const found = this.done.filter(({ name }) => names.includes(name))
    this.done.splice(0, this.done.length, ...this.done.filter(({ name }) => !names.includes(name)))
    return found.map(({ name, args }) => [name, ...args.map(withoutKey)])
  }

  /** The same, as soon as there is something. */
  async takes(...names: readonly CommandName[]): Promise<readonly (readonly unknown[])[]> {
    for (const end = performance.now() + PATIENCE; !this.done.some(({ name }) => names.includes(name)); ) {
      if (performance.now() > end) throw new Error(`Nobody has done any of ${names.join(', ')}`)
      await new Promise(resolve => setImmediate(resolve))
    }
    return this.took(...names)
  }
}

function withoutKey(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('key' in value)) return value
  const { key: _key, ...rest } = value
  return rest
}

function nameOf({ provider, owner }: AccountKey): string {
  return `${provider} ${owner}`
}

function keyOf(name: string): AccountKey {
  const [provider = '', owner = ''] = name.split(' ')
  return { provider, owner }
}

/** A refusal of a network. */
export function fails(failure: ConstructorParameters<typeof AdapterError>[0], message: string): never {
  throw new AdapterError(failure, message)
}

/** A server with networks, and an operator who can type. */
export interface Staged {
  readonly server: StagedServer
  readonly engine: Puppets
  types(command: string, values?: Readonly<Record<string, unknown>>): Promise<CommandResult>
  /** Makes somebody a registered user of a network, and lets everything that this sends come. */
  registers(actor: Actor, provider?: string): Promise<AccountKey>
}

export async function networks(stage: Stage, options: ServerOptions = {}): Promise<Staged> {
  const engine = new Puppets()
  const server = await stage.server('a.test', {
    ...options,
    modules: [...modules, ...gatewayModules(() => engine.engine())],
  })
  const types: Staged['types'] = async (name, values = {}) => {
    const command = server.host.commands.find(each => each.name === name)
    if (!command) throw new Error(`There is no command ${name}`)
    const result = await command.run(readValues(command, values))
    await stage.settled()
    return result
  }
  return {
    server,
    engine,
    types,
    async registers(actor, provider = 'puppets') {
      const key = { provider, owner: actor.bare.text }
      const form = '<query xmlns="jabber:iq:register"><username>me</username><password>mine</password></query>'
      await actor.asksRaw(`<iq type="set" to="${provider}.a.test">${form}</iq>`)
      // The login ends with showing the user's presence.
      for (let turn = 0; turn < 1000 && !engine.done.some(({ name }) => name === 'setPresence'); turn++)
        await new Promise<void>(resolve => setImmediate(resolve))
      await actor.settles()
      engine.done.length = 0
      return key
    },
  }
}

/** As {@link networks}, with one that is on: `puppets.a.test`. */
export async function puppets(stage: Stage, about: Readonly<Record<string, unknown>> = {}, options?: ServerOptions) {
  const staged = await networks(stage, options)
  await staged.types('provider add', { id: 'puppets', adapter: 'puppet', ...about })
  await staged.types('provider enable', { id: 'puppets' })
  return staged
}
