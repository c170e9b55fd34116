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
/** Between two ids of one message: a character that XML cannot have (XML 1.0 §2.2). */
const BETWEEN = '\u001f'

/**
 * By what its sender refers to a message: the stanza's own id (XEP-0424 §3, XEP-0308 §3) and its origin-id (XEP-0444 §4.2).
 * Where they differ both are kept, in one text: most are the same, and a column of its own would be paid for by each row.
 */
export function sentAs(id: string | undefined, originId: string | undefined): string | undefined {
  return id === undefined || originId === undefined || id === originId ? (id ?? originId) : id + BETWEEN + originId
}

const SENT_AS = 'origin_id = $3 OR strpos(chr(31) || origin_id || chr(31), chr(31) || $3 || chr(31)) > 0'

const stretch = sql<{ found: readonly string[] | null; first: bigint | null; rows: number }>(
  'log-origin-stretch',
  `WITH recent AS MATERIALIZED (
     SELECT l.id, l.origin_id FROM message_log l WHERE l.owner = $1 AND ${ofPeer('$1', '$2')} AND l.id < $4
     ORDER BY l.id DESC LIMIT ${STRETCH}
   )
   SELECT array_agg(id::text ORDER BY id DESC) FILTER (WHERE ${SENT_AS}) AS found, min(id) AS first, count(*)::int AS rows
   FROM recent`,
)
const select = sql<StoredRow>(
  'log-origin-rows',
  `SELECT ${ROW} FROM message_log l WHERE l.owner = $1 AND l.id = ANY($2::bigint[]) AND l.id >= $3 ORDER BY l.id DESC`,
)

/** The rows whose sender calls them so, by either id, among the last `stretches` × {@link STRETCH} of a conversation, newest first. */
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
