import type { Jid } from '@parley/jid'
import type { Clock } from '@parley/net'
import { deriveScramKeys, type ScramKeys, type ScramMechanism, scramMechanisms } from '@parley/sasl'
import type { AccountStore, Store } from '@parley/store'
import type { Awaitable } from './awaitable.ts'

/** How long an answer about an account may be out of date, when another node has changed it. */
const FRESH = 2000
const CACHED = 20_000

interface Known {
  readonly exists: boolean
  readonly until: number
}

/** What changes in accounts that the rest of the server must hear of. */
export interface AccountEvents {
  created(account: Jid): Awaitable<void>
  removed(account: Jid): Awaitable<void>
  secured(account: Jid, except: string | undefined): Awaitable<void>
}

/** The accounts of one host. Passwords are turned into SCRAM keys here and kept nowhere. */
export class Accounts {
  readonly #store: Store
  readonly #clock: Clock
  readonly #iterations: number
  readonly #known = new Map<string, Known>()
  #events: AccountEvents | undefined

  constructor(store: Store, clock: Clock, iterations: number) {
    this.#store = store
    this.#clock = clock
    this.#iterations = iterations
  }

  listen(events: AccountEvents): void {
    this.#events = events
  }

  get store(): AccountStore {
    return this.#store.accounts
  }

  /** Whether there is such an account, from memory where it was asked within two seconds. */
  exists(account: Jid): Awaitable<boolean> {
    const known = this.#known.get(account.text)
    if (known && known.until > this.#clock.monotonic()) return known.exists
    return this.store.get(account.text).then(found => this.#learn(account, found !== undefined))
  }

  /** @throws StoreError `account-exists`; PasswordError where the password has characters that are not allowed */
  async create(account: Jid, password: string): Promise<void> {
    await this.store.create(account.text, await this.derive(password))
    this.#learn(account, true)
    await this.#events?.created(account)
  }

  /** Ends old logins too, but for the session `except`. False where there is no such account. */
  async setPassword(account: Jid, password: string, except?: string): Promise<boolean> {
    const changed = await this.store.setKeys(account.text, await this.derive(password))
    if (changed) {
      await this.#store.tokens.fast.revoke(account.text)
      await this.#events?.secured(account, except)
    }
    return changed
  }

  async setDisabled(account: Jid, disabled: boolean): Promise<boolean> {
    const changed = await this.store.setDisabled(account.text, disabled)
    if (changed && disabled) {
      await this.#store.tokens.fast.revoke(account.text)
      await this.#events?.secured(account, undefined)
    }
    return changed
  }

  /** Deletes the account and all it owns; the name stays reserved for `reserve` milliseconds. */
  async remove(account: Jid, reserve: number): Promise<void> {
    await this.#events?.removed(account)
    await this.#store.removeAccount(account.text, reserve)
    this.#learn(account, false)
  }

  async keys(account: Jid): Promise<ScramKeys[]> {
    return (await this.store.allKeys(account.text)) as ScramKeys[]
  }

  async derive(password: string): Promise<ScramKeys[]> {
    return Promise.all(
      scramMechanisms.map((mechanism: ScramMechanism) =>
        deriveScramKeys(password, mechanism, { iterations: this.#iterations }),
      ),
    )
  }

  #learn(account: Jid, exists: boolean): boolean {
    if (this.#known.size >= CACHED) this.#known.clear()
    this.#known.set(account.text, { exists, until: this.#clock.monotonic() + FRESH })
    return exists
  }
}
