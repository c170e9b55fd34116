import type { Owner } from './owner.ts'

/** What RFC 5802 §3 lets a server keep of a password, for one SCRAM mechanism. */
export interface StoredKeys {
  /** `SCRAM-SHA-1`, `SCRAM-SHA-256`, `SCRAM-SHA-512`; never the -PLUS name, which uses the same keys. */
  readonly mechanism: string
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export interface Account {
  readonly jid: Owner
  readonly disabled: boolean
  /** Milliseconds since 1970, as are all times of this package. */
  readonly created: number
  readonly lastLogin?: number
  /** Counts the changes of password: whatever was issued under another number is void. */
  readonly generation: number
}

/** When a user was last seen and the status text of that moment (XEP-0012 §4). */
export interface LastActivity {
  readonly at: number
  readonly status: string
}

/** Local accounts and their SCRAM keys. Passwords are never stored. */
export interface AccountStore {
  /** Rejects with `account-exists` where the name is taken, or still reserved after a deletion. */
  create(jid: Owner, keys: readonly StoredKeys[]): Promise<Account>
  get(jid: Owner): Promise<Account | undefined>
  /** The keys of one mechanism; undefined where account or mechanism are unknown. */
  keys(jid: Owner, mechanism: string): Promise<StoredKeys | undefined>
  /** The mechanisms for which the account has keys. */
  mechanisms(jid: Owner): Promise<string[]>
  /** Replaces all keys and counts `generation` up, so that tokens die; false where there is no such account. */
  setKeys(jid: Owner, keys: readonly StoredKeys[]): Promise<boolean>
  /** Adds keys of further mechanisms for the same password (XEP-0480); those that exist stay as they are. */
  addKeys(jid: Owner, keys: readonly StoredKeys[]): Promise<void>
  /** Accounts of a host by name, `after` exclusive, at most `limit` (default 100). */
  list(host: string, page?: { readonly after?: Owner; readonly limit?: number }): Promise<Account[]>
  count(host: string): Promise<number>
  /** False where there is no such account. */
  setDisabled(jid: Owner, disabled: boolean): Promise<boolean>
  loggedIn(jid: Owner): Promise<void>
  lastActivity(jid: Owner): Promise<LastActivity | undefined>
  setLastActivity(jid: Owner, activity: LastActivity): Promise<void>
}
