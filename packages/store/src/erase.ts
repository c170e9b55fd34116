import type { Database } from './database.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'

/** Every table whose rows belong to an owner, those first that refer to others. A test compares it with the schema. */
export const OWNED_TABLES = [
  'owed',
  'outbox',
  'message_log',
  'archive_words',
  'sm_inbound',
  'roster',
  'roster_version',
  'map_entry',
  'pubsub_subscription',
  'pubsub_affiliation',
  'pubsub_item',
  'pubsub_node',
  'gateway_queue',
  'gateway_id',
  'group_member',
  'fast_token',
  'invite',
  'scram_key',
  'account',
] as const

/** Tables that belong to the server or to a host as such, and the one that outlives its owner. */
export const OTHER_TABLES = ['schema_migration', 'secret', 'account_group', 'departed'] as const

const erasures = OWNED_TABLES.map(table => sql(`erase-${table}`, `DELETE FROM ${table} WHERE owner = $1`))
const eraseResets = sql('erase-resets', 'DELETE FROM invite WHERE subject = $1')
/** What others' nodes know of the account: nobody who has the name later takes its place (XEP-0060 §4.1). */
const eraseElsewhere = [
  sql('erase-subscribed', 'DELETE FROM pubsub_subscription WHERE bare = $1'),
  sql('erase-affiliated', 'DELETE FROM pubsub_affiliation WHERE jid = $1'),
]
const reserve = sql(
  'erase-reserve',
  `INSERT INTO departed (owner, reserved_until) VALUES ($1, $2)
   ON CONFLICT (owner) DO UPDATE SET reserved_until = greatest(departed.reserved_until, excluded.reserved_until)`,
)
const truncate = sql('wipe', `TRUNCATE ${[...OWNED_TABLES, 'secret', 'account_group', 'departed'].join(', ')}`)

/** Deletes all that belongs to the owner; until `reservedUntil` (ms) nobody can have the name. */
export async function erase(db: Database, owner: Owner, reservedUntil: number): Promise<void> {
  await db.transaction(async tx => {
    await tx.run(reserve, owner, reservedUntil)
    await tx.run(eraseResets, owner)
    for (const statement of [...eraseElsewhere, ...erasures]) await tx.run(statement, owner)
  })
}

/** Empties all tables but the list of migrations. */
export async function wipe(db: Database): Promise<void> {
  await db.transaction(tx => tx.run(truncate))
}
