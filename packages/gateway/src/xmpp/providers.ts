import { type Adapter, readSetting } from '@parley/adapter'
import type { Json, OwnedMap } from '@parley/store'
import { CommandError, type Server } from '@xmpp/server-core'
import type { Provider } from '../engine.ts'

/** What nodes tell each other when a record has changed. */
const TOPIC = 'providers'
/** The records belong to no account. */
const OWNER = 'gateways'

type Stored = Provider & { readonly [key: string]: Json | undefined }

/** Networks that need no record to be named: what has ended stays in the list, and refuses. */
export const ENDED: ReadonlyMap<string, { readonly title: string; readonly on: string }> = new Map([
  ['skype', { title: 'Skype', on: '2025-05-05' }],
])

/** Records of networks, the same on all nodes. */
export class Providers {
  readonly #server: Server
  readonly #map: OwnedMap<Stored>
  readonly #listeners: ((changed: readonly string[]) => Promise<void>)[] = []
  #records: ReadonlyMap<string, Provider> = new Map()
  #reading: Promise<void> = Promise.resolve()
  /** Makes ready what a record needs; nobody sees the record before. Never rejects. */
  prepare: (provider: Provider) => Promise<unknown> = async () => {}

  private constructor(server: Server) {
    this.#server = server
    this.#map = server.store.maps.map('gateways.providers')
  }

  static async open(server: Server): Promise<Providers> {
    const providers = new Providers(server)
    providers.#records = await providers.#map.all(OWNER)
    server.hear(TOPIC, text => {
      const { id, provider } = JSON.parse(text) as { readonly id: string; readonly provider?: Provider }
      // At once, and as the store has it when two nodes have changed it.
      const told = providers.#become(changedRecords(providers.#records, id, provider)).then(() => providers.#load())
      told.catch((error: unknown) => server.log.error('providers could not be read', { error }))
    })
    return providers
  }

  get all(): ReadonlyMap<string, Provider> {
    return this.#records
  }

  get(id: string): Provider | undefined {
    return this.#records.get(id)
  }

  /** Hears which records have changed, been added or removed, on every node. */
  listen(listener: (changed: readonly string[]) => Promise<void>): void {
    this.#listeners.push(listener)
  }

  async set(provider: Provider): Promise<void> {
    await this.#map.set(OWNER, provider.id, { ...provider })
    await this.#changed(provider.id, provider)
  }

  async remove(id: string): Promise<void> {
    await this.#map.delete(OWNER, id)
    await this.#changed(id)
  }

  async #changed(id: string, provider?: Provider): Promise<void> {
    this.#server.live.tell(TOPIC, JSON.stringify({ id, provider }))
    await this.#load()
  }

  async #load(): Promise<void> {
    await this.#become(await this.#map.all(OWNER))
  }

  async #become(records: ReadonlyMap<string, Provider>): Promise<void> {
    let before = this.#records
    // In order: what takes long to be made ready must not come back over what is newer.
    const reading = this.#reading.then(async () => {
      await Promise.all([...records.values()].map(record => this.prepare(record)))
      before = this.#records
      this.#records = records
    })
    this.#reading = reading
    await reading
    const ids = new Set([...before.keys(), ...this.#records.keys()])
    const changed = [...ids].filter(id => JSON.stringify(before.get(id)) !== JSON.stringify(this.#records.get(id)))
    if (changed.length > 0) for (const listener of this.#listeners) await listener(changed)
  }
}

function changedRecords(records: ReadonlyMap<string, Provider>, id: string, provider: Provider | undefined) {
  const changed = new Map(records)
  if (provider) changed.set(id, provider)
  else changed.delete(id)
  return changed
}

/** A record with nothing said of it; networks are off until an operator switches them on. */
export function newProvider(id: string, adapter: string): Provider {
  return {
    id,
    adapter,
    enabled: false,
    settings: {},
    verification: 'contacts',
    seats: false,
    rooms: false,
    alwaysOn: false,
    patience: 300_000,
  }
}

/** Settings that may be in a record, and those that are to be kept sealed. */
export interface ReadSettings {
  readonly settings: Provider['settings']
  readonly secrets: Readonly<Record<string, string>>
}

/** Reads `name=value` as the adapter declares it. @throws CommandError that names the setting */
export function readSettings(adapter: Adapter, given: readonly string[]): ReadSettings {
  const settings: Record<string, string | number | boolean> = {}
  const secrets: Record<string, string> = {}
  for (const text of given) {
    const at = text.indexOf('=')
    const name = text.slice(0, Math.max(at, 0))
    const setting = Object.hasOwn(adapter.settings, name) ? adapter.settings[name] : undefined
    if (!setting) {
      const known = Object.keys(adapter.settings).join(', ')
      throw new CommandError(`${text}: give settings as name=value; ${adapter.title} has ${known || 'none'}`)
    }
    const value = readSetting(setting, text.slice(at + 1))
    if (setting.type === 'secret') {
      secrets[name] = String(value)
      continue
    }
    if (value === undefined) throw new CommandError(`${name} cannot be ${text.slice(at + 1)}: ${setting.help}`)
    settings[name] = value
  }
  return { settings, secrets }
}

/** The last day on which it may be used is over. `now`: milliseconds since 1970. */
export function isRetired({ retireAt }: Provider, now: number): boolean {
  return retireAt !== undefined && daysUntil(retireAt, now) <= 0
}

/** Days from today (UTC) to that day. */
export function daysUntil(day: string, now: number): number {
  const DAY = 86_400_000
  return Math.round((Date.parse(`${day}T00:00:00Z`) - Math.floor(now / DAY) * DAY) / DAY)
}
