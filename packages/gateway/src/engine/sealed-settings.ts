import type { OwnedMap, Store } from '@parley/store'
import type { Keyring } from './keep/keys.ts'
import { rewrap, type SealedFor, seal, unseal } from './keep/seal.ts'

/** They belong to no account. */
const OWNER = 'gateways'

/** Settings of providers that are secret, such as tokens: sealed as logins are, and opened only where a session begins. */
export class SealedSettings {
  readonly #map: OwnedMap<string>
  readonly #keys: Keyring

  constructor(store: Store, keys: Keyring) {
    this.#map = store.maps.map<string>('gateway-settings')
    this.#keys = keys
  }

  /** An empty text forgets a setting. @throws TypeError with words for the operator, where this process has no key */
  async keep(provider: string, secrets: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(secrets)) {
      const entry = `${provider}\n${name}`
      if (text === '') await this.#map.delete(OWNER, entry)
      else await this.#map.set(OWNER, entry, await seal(this.#keys, text, placeOf(provider, name)))
    }
  }

  async open(provider: string): Promise<Readonly<Record<string, string>>> {
    const opened: Record<string, string> = {}
    for (const [name, sealed] of await this.#all(provider))
      opened[name] = await unseal(this.#keys, sealed, placeOf(provider, name))
    return opened
  }

  async forget(provider: string): Promise<void> {
    await this.#map.clear(OWNER, `${provider}\n`)
  }

  /** Wraps them with the newest key; gives how many there are. */
  async rewrap(provider: string): Promise<number> {
    const all = await this.#all(provider)
    for (const [name, sealed] of all) {
      const again = await rewrap(this.#keys, sealed, placeOf(provider, name))
      // Who has set it anew meanwhile has sealed it with the newest one.
      if (again !== undefined)
        await this.#map.update(OWNER, `${provider}\n${name}`, old => (old === sealed ? again : old))
    }
    return all.length
  }

  async #all(provider: string): Promise<readonly (readonly [name: string, sealed: string])[]> {
    const prefix = `${provider}\n`
    return [...(await this.#map.all(OWNER, prefix))].map(([entry, sealed]) => [entry.slice(prefix.length), sealed])
  }
}

function placeOf(provider: string, name: string): SealedFor {
  return { owner: OWNER, provider, field: `settings.${name}` }
}
