import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Client } from 'pg'
import { StoreError } from './errors.ts'
import { lockClass, MIGRATION_LOCK } from './locks.ts'

export interface Migration {
  readonly version: number
  readonly name: string
  readonly text: string
  readonly sha256: string
}

/** Beside both `src` and `dist`. */
const FOLDER = new URL('../migrations/', import.meta.url)

/** The migrations of a folder of `NNN_name.sql` files, in order and without gaps. */
export async function readMigrations(folder: URL = FOLDER): Promise<Migration[]> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (name, index) => {
      const version = Number(/^(\d{3})_[a-z0-9_]+\.sql$/.exec(name)?.[1])
      if (version !== index + 1) throw new StoreError('schema', `Migration file ${name} is out of sequence`)
      const text = await readFile(new URL(name, folder), 'utf8')
      return { version, name, text, sha256: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

/**
 * Brings the schema up to date; one server at a time, each file in one transaction. Gives the versions it applied.
 * Rejects with `schema` where the database was written by a newer program or a file has changed since it was applied.
 */
export async function migrate(client: Client, migrations: readonly Migration[]): Promise<number[]> {
  await client.query('SELECT pg_advisory_lock($1, $2)', [lockClass, MIGRATION_LOCK])
  try {
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_migration (version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, at timestamptz NOT NULL DEFAULT now())',
    )
    const { rows } = await client.query<{ version: number; sha256: string }>(
      'SELECT version, sha256 FROM schema_migration',
    )
    const applied = new Map(rows.map(row => [row.version, row.sha256]))
    refuseForeign(applied, migrations)
    const missing = migrations.filter(({ version }) => !applied.has(version))
    for (const migration of missing) await apply(client, migration)
    return missing.map(({ version }) => version)
  } finally {
    await client.query('SELECT pg_advisory_unlock($1, $2)', [lockClass, MIGRATION_LOCK]).catch(() => undefined)
  }
}

function refuseForeign(applied: ReadonlyMap<number, string>, migrations: readonly Migration[]): void {
  const newest = Math.max(0, ...applied.keys())
  if (newest > migrations.length) {
    throw new StoreError(
      'schema',
      `The database has schema version ${newest}, this program knows ${migrations.length}: start the newer program`,
    )
  }
  for (const { version, name, sha256 } of migrations) {
    const stored = applied.get(version)
    if (stored !== undefined && stored !== sha256) {
      throw new StoreError(
        'schema',
        `Migration ${name} has changed since it was applied: restore the file it was applied from`,
      )
    }
  }
}

async function apply(client: Client, { version, name, text, sha256 }: Migration): Promise<void> {
  try {
    await client.query('BEGIN')
    await client.query(text)
    await client.query('INSERT INTO schema_migration (version, name, sha256) VALUES ($1, $2, $3)', [
      version,
      name,
      sha256,
    ])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw new StoreError('schema', `Migration ${name} failed: ${(error as Error).message}`, { cause: error })
  }
}
