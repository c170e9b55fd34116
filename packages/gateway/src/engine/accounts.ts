import type { Json, OwnedMap, Store } from '@parley/store'
import type { AccountKey } from '../engine.ts'
import type { KeyRecord, Keyring } from './keep/keys.ts'
import { rewrap, seal, unseal } from './keep/seal.ts'

/** What is kept of an account. */
interface Registered extends Readonly<Record<string, Json>> {
  readonly fields: Readonly<Record<string, string>>
  /** Sealed. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Things that an adapter may keep for one account, and secrets. */
const ENTRIES = 500
const SECRETS = 50
/** Whose secrets are sealed with which key: its id is written down here, in the name of the first domain. */
const KEY_ID = 'gateway-key'

/** Who has an account with which network, and what is kept for it. */
export class Accounts {
  readonly #registered: OwnedMap<Registered>
  readonly #kept: OwnedMap<string>
  readonly #store: Store
  readonly #keys: Keyring

  constructor(store: Store, keys: Keyring) {
    this.#store = store
    this.#keys = keys
    this.#registered = store.maps.map<Registered>('gateway-account')
    this.#kept = store.maps.map<string>('gateway-kept')
  }

  async register(
    { owner, provider }: AccountKey,
    fields: Readonly<Record<string, string>>,
    secrets: Readonly<Record<string, string>>,
  ): Promise<void> {
    const sealed = await Promise.all(
      Object.entries(secrets).map(async ([field, text]) => [
        field,
        await seal(this.#keys, text, { owner, provider, field }),
      ]),
    )
    // What was kept belonged to another login.
    await this.#kept.clear(owner, `${provider}\n`)
    await this.#registered.set(owner, provider, { fields, secrets: Object.fromEntries(sealed) })
  }

  /** Forgets everything. */
  async unregister(key: AccountKey): Promise<boolean> {
    const was = await this.#registered.delete(key.owner, key.provider)
    await this.#kept.clear(key.owner, `${key.provider}\n`)
    await this.#store.gateways.clear(key)
    return was
  }

  async fields({ owner, provider }: AccountKey): Promise<Readonly<Record<string, string>> | undefined> {
    return (await this.#registered.get(owner, provider))?.fields
  }

  providers(owner: string): Promise<readonly string[]> {
    return this.#registered.keys(owner)
  }

  owners(host: string, provider: string): Promise<readonly string[]> {
    return this.#registered.owners(host, provider)
  }

  async get(vault: 'secrets' | 'kv', key: AccountKey, name: string): Promise<string | undefined> {
    const { owner, provider } = key
    if (vault === 'kv') return this.#kept.get(owner, `${provider}\n${name}`)
    const sealed = (await this.#registered.get(owner, provider))?.secrets[name]
    return sealed === undefined ? undefined : unseal(this.#keys, sealed, { owner, provider, field: name })
  }

  async set(vault: 'secrets' | 'kv', key: AccountKey, name: string, value: string | undefined): Promise<void> {
    const { owner, provider } = key
    if (vault === 'kv') {
      const entry = `${provider}\n${name}`
      if (value === undefined) await this.#kept.delete(owner, entry)
      else await this.#keepBounded(owner, provider, entry, value)
      return
    }
    const sealed = value === undefined ? undefined : await seal(this.#keys, value, { owner, provider, field: name })
    await this.#registered.update(owner, provider, old => {
      if (!old) return undefined
      const { [name]: _, ...others } = old.secrets
      if (sealed === undefined) return { ...old, secrets: others }
      if (Object.keys(others).length >= SECRETS) throw new RangeError('An adapter keeps too many secrets')
      return { ...old, secrets: { ...others, [name]: sealed } }
    })
  }

  /** Wraps what is sealed for an account with the newest key; gives how many secrets it has. */
  async rewrap({ owner, provider }: AccountKey): Promise<number> {
    const before = await this.#registered.get(owner, provider)
    const wrapped = new Map<string, string>()
    for (const [field, sealed] of Object.entries(before?.secrets ?? {})) {
      const again = await rewrap(this.#keys, sealed, { owner, provider, field })
      if (again !== undefined) wrapped.set(sealed, again)
    }
    if (wrapped.size > 0) {
      await this.#registered.update(owner, provider, old => {
        if (!old) return undefined
        const secrets = Object.entries(old.secrets).map(([field, sealed]) => [field, wrapped.get(sealed) ?? sealed])
        return { ...old, secrets: Object.fromEntries(secrets) }
      })
    }
    return Object.keys(before?.secrets ?? {}).length
  }

  async #keepBounded(owner: string, provider: string, entry: string, value: string): Promise<void> {
    const isNew = (await this.#kept.get(owner, entry)) === undefined
    if (isNew && (await this.#kept.keys(owner, `${provider}\n`)).length >= ENTRIES)
      throw new RangeError('An adapter keeps too much')
    await this.#kept.set(owner, entry, value)
  }
}

/** Where the id of the key that seals is written down: a process without that key must not make another one. */
export function keyRecord(store: Store, domain: string): KeyRecord {
  const ids = store.maps.map<string>(KEY_ID)
  return {
    known: () => ids.get(domain, 'id'),
    claim: async id => (await ids.update(domain, 'id', old => old ?? id)) ?? id,
    replace: id => ids.set(domain, 'id', id),
  }
}
