import { randomBytes } from 'node:crypto'
import type { Database } from './database.ts'
import { sql } from './sql.ts'

/** Secrets that all nodes on one database share (decoy salts, dialback, occupant ids, ticket keys). */
export interface SecretStore {
  /** The secret of that name; made of `bytes` random bytes (default 32) when asked for the first time, by whichever node. */
  secret(name: string, bytes?: number): Promise<Buffer>
}

const select = sql<{ value: Buffer }>('secret-get', 'SELECT value FROM secret WHERE name = $1')
const insert = sql('secret-make', 'INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING')

/** The secrets of a database. */
export function secretStore(db: Database): SecretStore {
  return {
    async secret(name, bytes = 32) {
      const known = await db.row(select, name)
      if (known) return known.value
      await db.run(insert, name, randomBytes(bytes))
      // Read again: another node may have been first.
      return (await db.row(select, name))!.value
    },
  }
}
