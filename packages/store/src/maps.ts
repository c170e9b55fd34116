import type { Database } from './database.ts'
import { hostOf, type Owner } from './owner.ts'
import { type Queryable, sql } from './sql.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/** A map for each owner: key → JSON value (XML is stored as a string). */
export interface OwnedMap<T extends Json> {
  get(owner: Owner, key: string): Promise<T | undefined>
  set(owner: Owner, key: string, value: T): Promise<void>
  /** False where the key was unknown. */
  delete(owner: Owner, key: string): Promise<boolean>
  /** All entries, or those whose key begins with `prefix`, by key. */
  all(owner: Owner, prefix?: string): Promise<Map<string, T>>
  keys(owner: Owner, prefix?: string): Promise<string[]>
  /** Deletes all entries of the owner, or those whose key begins with `prefix`; gives how many. */
  clear(owner: Owner, prefix?: string): Promise<number>
  /**
   * Reads and writes in one step: nobody else changes that key in between. `change` gets the present value and gives the
   * new one; undefined deletes. Resolves with what is stored then.
   */
  update(owner: Owner, key: string, change: (old: T | undefined) => T | undefined): Promise<T | undefined>
  /** Owners of that host that have the key, by name. */
  owners(host: string, key: string): Promise<Owner[]>
}

export interface MapStore {
  /**
   * Opens the map of that name. `version` is the version of the values' shape, from 1: a value of an older version is
   * passed through `upgrade(value, itsVersion)` when read.
   */
  map<T extends Json>(name: string, version?: number, upgrade?: (value: Json, version: number) => T): OwnedMap<T>
}

interface EntryRow {
  readonly key: string
  readonly version: number
  readonly value: Json
}

// The index takes no key of more than 2704 bytes, so what begins with `prefix` sorts below it and 700 of the last code point.
const IN_PREFIX = `key >= $3 AND key < $3 || repeat(U&'\\+10FFFF', 700) AND starts_with(key, $3)`

const selectEntry = sql<EntryRow>(
  'map-get',
  'SELECT key, version, value FROM map_entry WHERE owner = $1 AND map = $2 AND key = $3',
)
const lockEntry = sql(
  'map-lock',
  'SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(10) || $2 || chr(10) || $3, 0))',
)
const upsertEntry = sql(
  'map-set',
  `INSERT INTO map_entry (owner, map, key, host, version, value) VALUES ($1, $2, $3, $4, $5, $6::jsonb)
   ON CONFLICT (owner, map, key) DO UPDATE SET version = excluded.version, value = excluded.value`,
)
const deleteEntry = sql('map-delete', 'DELETE FROM map_entry WHERE owner = $1 AND map = $2 AND key = $3')
const selectEntries = sql<EntryRow>(
  'map-all',
  `SELECT key, version, value FROM map_entry WHERE owner = $1 AND map = $2 AND ${IN_PREFIX} ORDER BY key`,
)
const selectNames = sql<{ key: string }>(
  'map-keys',
  `SELECT key FROM map_entry WHERE owner = $1 AND map = $2 AND ${IN_PREFIX} ORDER BY key`,
)
const deleteEntries = sql('map-clear', `DELETE FROM map_entry WHERE owner = $1 AND map = $2 AND ${IN_PREFIX}`)
const selectOwners = sql<{ owner: string }>(
  'map-owners',
  'SELECT owner FROM map_entry WHERE map = $1 AND key = $2 AND host = $3 ORDER BY owner',
)

/** The maps of a database. */
export function mapStore(db: Database): MapStore {
  return { map: (name, version = 1, upgrade) => ownedMap(db, name, version, upgrade) }
}

function ownedMap<T extends Json>(
  db: Database,
  map: string,
  version: number,
  upgrade: ((value: Json, version: number) => T) | undefined,
): OwnedMap<T> {
  const read = (row: EntryRow): T =>
    upgrade && row.version < version ? upgrade(row.value, row.version) : (row.value as T)
  const write = async (to: Queryable, owner: Owner, key: string, value: T) => {
    await to.run(upsertEntry, owner, map, key, hostOf(owner), version, JSON.stringify(value))
  }
  return {
    async get(owner, key) {
      const row = await db.row(selectEntry, owner, map, key)
      return row && read(row)
    },
    set: (owner, key, value) => write(db, owner, key, value),
    delete: async (owner, key) => (await db.run(deleteEntry, owner, map, key)) > 0,
    all: async (owner, prefix = '') =>
      new Map((await db.rows(selectEntries, owner, map, prefix)).map(row => [row.key, read(row)])),
    keys: async (owner, prefix = '') => (await db.rows(selectNames, owner, map, prefix)).map(row => row.key),
    clear: (owner, prefix = '') => db.run(deleteEntries, owner, map, prefix),
    update: (owner, key, change) =>
      db.transaction(async tx => {
        // A lock on the name, since the row may not exist yet.
        await tx.rows(lockEntry, owner, map, key)
        const row = await tx.row(selectEntry, owner, map, key)
        const value = change(row && read(row))
        if (value === undefined) await tx.run(deleteEntry, owner, map, key)
        else await write(tx, owner, key, value)
        return value
      }),
    owners: async (host, key) => (await db.rows(selectOwners, map, key, host)).map(row => row.owner),
  }
}
