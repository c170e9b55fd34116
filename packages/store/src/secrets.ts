import { randomBytes } from 'node:crypto'
import type { Database } from './database.ts'
import { sql } from './sql.ts'

/** Secrets that all nodes on one database share (decoy salts, dialback, occupant ids, ticket keys). */
export interface SecretStore {
  /** The secret of that name; made of `bytes` random bytes (default 32) when asked for the first time, by whichever node. */
  secret(name: string, bytes?: number): Promise<Buffer>
  /** The secret of that name for one day (`2026-01-31`). Those of days before the day before are forgotten for ever. */
  daily(name: string, day: string): Promise<Buffer>
}

const DAY = 86_400_000

const select = sql<{ value: Buffer }>('secret-get', 'SELECT value FROM secret WHERE name = $1')
const insert = sql('secret-make', 'INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING')
// Compared byte by byte: in some collations spaces and hyphens count for nothing.
const forget = sql('secret-forget', 'DELETE FROM secret WHERE name COLLATE "C" > $1 AND name COLLATE "C" < $2')

/** The secrets of a database. */
export function secretStore(db: Database): SecretStore {
  async function secret(name: string, bytes = 32): Promise<Buffer> {
    const known = await db.row(select, name)
    if (known) return known.value
    await db.run(insert, name, randomBytes(bytes))
    // Read again: another node may have been first.
    return (await db.row(select, name))!.value
  }
  return {
    secret,
    async daily(name, day) {
      const value = await secret(`${name} ${day}`)
      // The day before stays: a node whose clock is slow must not make it again.
      const before = new Date(Date.parse(day) - DAY).toISOString().slice(0, 10)
      await db.run(forget, `${name} `, `${name} ${before}`)
      return value
    },
  }
}
