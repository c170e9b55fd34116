import { ofPeer, ROW, type StoredRow } from './archive.ts'
import type { Database } from './database.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'

/**
 * Rows of a conversation that one statement looks through. Origin ids have no index, which each message would pay for: who
 * answers, corrects or takes back does so soon. So few that the planner reads them in order and never sorts a whole conversation.
 */
const STRETCH = 500
const LAST_ID = (1n << 63n) - 1n

const stretch = sql<{ found: readonly string[] | null; first: bigint | null; rows: number }>(
  'log-origin-stretch',
  `WITH recent AS MATERIALIZED (
     SELECT l.id, l.origin_id FROM message_log l WHERE l.owner = $1 AND ${ofPeer('$1', '$2')} AND l.id < $4
     ORDER BY l.id DESC LIMIT ${STRETCH}
   )
   SELECT array_agg(id::text ORDER BY id DESC) FILTER (WHERE origin_id = $3) AS found, min(id) AS first, count(*)::int AS rows
   FROM recent`,
)
const select = sql<StoredRow>(
  'log-origin-rows',
  `SELECT ${ROW} FROM message_log l WHERE l.owner = $1 AND l.id = ANY($2::bigint[]) AND l.id >= $3 ORDER BY l.id DESC`,
)

/** The rows with that origin id among the last `stretches` × {@link STRETCH} of a conversation, newest first. */
export async function rowsOfOrigin(
  db: Database,
  owner: Owner,
  peer: string,
  originId: string,
  stretches: number,
): Promise<StoredRow[]> {
  let before = LAST_ID
  for (let n = 0; n < stretches; n++) {
    const { found, first, rows } = (await db.row(stretch, owner, peer, originId, before))!
    if (found) return db.rows(select, owner, found, BigInt(found.at(-1)!))
    if (first === null || rows < STRETCH) break
    before = first
  }
  return []
}
