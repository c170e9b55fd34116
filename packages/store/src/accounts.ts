import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import { hostOf, type Owner } from './owner.ts'
import { type Queryable, sql } from './sql.ts'

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
  /** The keys of all mechanisms, in one look; none for an unknown account. */
  allKeys(jid: Owner): Promise<StoredKeys[]>
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

interface AccountRow {
  readonly owner: string
  readonly disabled: boolean
  readonly created: bigint
  readonly last_login: bigint | null
  readonly generation: number
}

interface KeyRow {
  readonly mechanism: string
  readonly salt: Buffer
  readonly iterations: number
  readonly stored_key: Buffer
  readonly server_key: Buffer
}

const COLUMNS = 'owner, disabled, created, last_login, generation'

const reserved = sql<{ owner: string }>(
  'account-reserved',
  'SELECT owner FROM departed WHERE owner = $1 AND reserved_until > $2',
)
const insert = sql<AccountRow>(
  'account-create',
  `INSERT INTO account (owner, host, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
)
const select = sql<AccountRow>('account-get', `SELECT ${COLUMNS} FROM account WHERE owner = $1`)
const selectKeys = sql<KeyRow>(
  'account-keys',
  'SELECT mechanism, salt, iterations, stored_key, server_key FROM scram_key WHERE owner = $1 AND mechanism = $2',
)
const selectAllKeys = sql<KeyRow>(
  'account-keys-all',
  'SELECT mechanism, salt, iterations, stored_key, server_key FROM scram_key WHERE owner = $1',
)
const selectMechanisms = sql<{ mechanism: string }>(
  'account-mechanisms',
  'SELECT mechanism FROM scram_key WHERE owner = $1 ORDER BY mechanism',
)
const bumpGeneration = sql('account-generation', 'UPDATE account SET generation = generation + 1 WHERE owner = $1')
const deleteKeys = sql('account-keys-delete', 'DELETE FROM scram_key WHERE owner = $1')
const insertKey = sql(
  'account-keys-add',
  `INSERT INTO scram_key (owner, mechanism, salt, iterations, stored_key, server_key)
   SELECT owner, $2, $3, $4, $5, $6 FROM account WHERE owner = $1 ON CONFLICT DO NOTHING`,
)
const selectPage = sql<AccountRow>(
  'account-list',
  `SELECT ${COLUMNS} FROM account WHERE host = $1 AND owner > $2 ORDER BY owner LIMIT $3`,
)
const countHost = sql<{ n: number }>('account-count', 'SELECT count(*)::int AS n FROM account WHERE host = $1')
const updateDisabled = sql('account-disable', 'UPDATE account SET disabled = $2 WHERE owner = $1')
const updateLogin = sql('account-login', 'UPDATE account SET last_login = $2 WHERE owner = $1')
const selectActivity = sql<{ last_seen: bigint | null; last_status: string | null }>(
  'account-activity',
  'SELECT last_seen, last_status FROM account WHERE owner = $1',
)
const updateActivity = sql(
  'account-activity-set',
  'UPDATE account SET last_seen = $2, last_status = $3 WHERE owner = $1',
)

/** The accounts of a database; `clock` in milliseconds since 1970. */
export function accountStore(db: Database, clock: () => number): AccountStore {
  return {
    create: (jid, keys) =>
      db.transaction(async tx => {
        const row = (await tx.row(reserved, jid, clock())) ? undefined : await tx.row(insert, jid, hostOf(jid), clock())
        if (!row) throw new StoreError('account-exists', `The account ${jid} exists, or its name is still reserved`)
        await addKeys(tx, jid, keys)
        return account(row)
      }),
    async get(jid) {
      const row = await db.row(select, jid)
      return row && account(row)
    },
    async keys(jid, mechanism) {
      const row = await db.row(selectKeys, jid, mechanism)
      return row && storedKeys(row)
    },
    allKeys: async jid => (await db.rows(selectAllKeys, jid)).map(storedKeys),
    mechanisms: async jid => (await db.rows(selectMechanisms, jid)).map(row => row.mechanism),
    setKeys: (jid, keys) =>
      db.transaction(async tx => {
        if ((await tx.run(bumpGeneration, jid)) === 0) return false
        await tx.run(deleteKeys, jid)
        await addKeys(tx, jid, keys)
        return true
      }),
    addKeys: (jid, keys) => db.transaction(tx => addKeys(tx, jid, keys)),
    list: async (host, { after = '', limit = 100 } = {}) =>
      (await db.rows(selectPage, host, after, limit)).map(account),
    count: async host => (await db.row(countHost, host))?.n ?? 0,
    setDisabled: async (jid, disabled) => (await db.run(updateDisabled, jid, disabled)) > 0,
    async loggedIn(jid) {
      await db.run(updateLogin, jid, clock())
    },
    async lastActivity(jid) {
      const row = await db.row(selectActivity, jid)
      if (!row || row.last_seen === null) return undefined
      return { at: Number(row.last_seen), status: row.last_status ?? '' }
    },
    async setLastActivity(jid, { at, status }) {
      await db.run(updateActivity, jid, at, status)
    },
  }
}

async function addKeys(tx: Queryable, jid: Owner, keys: readonly StoredKeys[]): Promise<void> {
  for (const { mechanism, salt, iterations, storedKey, serverKey } of keys) {
    await tx.run(insertKey, jid, mechanism, salt, iterations, storedKey, serverKey)
  }
}

function account({ owner, disabled, created, last_login, generation }: AccountRow): Account {
  const common = { jid: owner, disabled, created: Number(created), generation }
  return last_login === null ? common : { ...common, lastLogin: Number(last_login) }
}

function storedKeys(row: KeyRow): StoredKeys {
  const { mechanism, salt, iterations } = row
  return { mechanism, salt, iterations, storedKey: row.stored_key, serverKey: row.server_key }
}
