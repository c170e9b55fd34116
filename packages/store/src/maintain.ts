import type { Database } from './database.ts'
import { firstIdAt } from './ids.ts'
import { sql } from './sql.ts'
import type { Log } from './store.ts'

const DAY = 86_400_000
const MONTHS_AHEAD = 2
/** A client that was away for longer gets the whole roster. */
const TOMBSTONES_FOR = 90 * DAY
/** No stream can be resumed after that. */
const STREAMS_FOR = 30 * DAY

const partitionKnown = sql<{ known: boolean }>('partition-known', 'SELECT to_regclass($1) IS NOT NULL AS known')
const lockTimeout = sql('partition-lock-timeout', "SELECT set_config('lock_timeout', '5s', true)")
const listPartitions = sql<{ name: string }>(
  'partition-list',
  `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
   WHERE i.inhparent = 'message_log'::regclass ORDER BY c.relname`,
)

/** Makes the partitions of this month and the next ones. The default partition takes what comes before they exist. */
export async function makePartitions(db: Database, now: number, log: Log): Promise<void> {
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
    const { name, from, to } = month(now, ahead)
    if ((await db.row(partitionKnown, name))?.known) continue
    const create = `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF message_log FOR VALUES FROM (${from}) TO (${to})`
    try {
      await db.transaction(async tx => {
        await tx.rows(lockTimeout)
        await tx.run(sql(`partition-${name}`, create))
      })
    } catch (error) {
      // Another process that begins at the same time.
      if ((await db.row(partitionKnown, name))?.known) continue
      // Rows of that month are in the default partition already (a clock that was ahead): they all stay there.
      log('warn', `No partition ${name}: ${(error as Error).message}`)
    }
  }
}

/** Drops partitions of past months from which retention has deleted everything. */
async function dropEmptyPartitions(db: Database, now: number): Promise<void> {
  const { name: present } = month(now, 0)
  for (const { name } of await db.rows(listPartitions)) {
    if (!/^message_log_\d{4}_\d{2}$/.test(name) || name >= present) continue
    await db.transaction(async tx => {
      const found = await tx.row(
        sql<{ n: bigint }>(`partition-any-${name}`, `SELECT 1::bigint AS n FROM ${name} LIMIT 1`),
      )
      if (found) return
      await tx.rows(lockTimeout)
      await tx.run(sql(`partition-lock-${name}`, `LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`))
      if (await tx.row(sql<{ n: bigint }>(`partition-any-${name}`, `SELECT 1::bigint AS n FROM ${name} LIMIT 1`)))
        return
      await tx.run(sql(`partition-drop-${name}`, `DROP TABLE ${name}`))
    })
  }
}

const expired = [
  sql('expire-names', 'DELETE FROM departed WHERE reserved_until <= $1'),
  sql('expire-fast', 'DELETE FROM fast_token WHERE expires <= $1'),
  sql('expire-invites', 'DELETE FROM invite WHERE expires <= $1 OR uses_left <= 0'),
]
/** Who corrects a message does so earlier. */
const GATEWAY_IDS_FOR = 30 * DAY
const expireGatewayIds = sql('expire-gateway-ids', 'DELETE FROM gateway_id WHERE created <= $1')
const expireStreams = sql('expire-streams', 'DELETE FROM sm_inbound WHERE updated <= $1')
const expireOutbox = sql(
  'expire-outbox',
  'DELETE FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM sm_inbound s WHERE s.sm_id = o.sm_id)',
)
const expireTombstones = sql(
  'expire-tombstones',
  `WITH gone AS (DELETE FROM roster WHERE removed_at <= $1 RETURNING owner, version),
   top AS (SELECT owner, max(version) AS version FROM gone GROUP BY owner)
   UPDATE roster_version v SET floor = greatest(v.floor, top.version) FROM top WHERE v.owner = top.owner`,
)

/** The daily work on a database. */
export async function maintain(db: Database, now: number, log: Log): Promise<void> {
  await makePartitions(db, now, log)
  await dropEmptyPartitions(db, now)
  for (const statement of expired) await db.run(statement, now)
  await db.run(expireStreams, now - STREAMS_FOR)
  await db.run(expireOutbox)
  await db.run(expireGatewayIds, now - GATEWAY_IDS_FOR)
  await db.run(expireTombstones, now - TOMBSTONES_FOR)
}

function month(now: number, ahead: number): { name: string; from: bigint; to: bigint } {
  const date = new Date(now)
  const start = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + ahead, 1))
  const end = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)
  const text = start.toISOString()
  return {
    name: `message_log_${text.slice(0, 4)}_${text.slice(5, 7)}`,
    from: firstIdAt(start.getTime()),
    to: firstIdAt(end),
  }
}
