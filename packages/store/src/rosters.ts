import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'

export type Subscription = 'none' | 'to' | 'from' | 'both'

/** One contact (RFC 6121 §2.1.2 and appendix A). */
export interface RosterItem {
  /** Bare JID text of the contact. */
  readonly contact: string
  /** False for a row that only remembers a pending request: clients must not see it (RFC 6121 §3.1.3). */
  readonly listed: boolean
  readonly name?: string
  readonly groups: readonly string[]
  readonly subscription: Subscription
  /** Our request waits for the contact's answer. */
  readonly ask: boolean
  /** The contact's request, as XML to be delivered again at each login until it is answered (RFC 6121 §3.1.3). */
  readonly pendingIn?: string
  /** The contact is approved before asking (RFC 6121 §3.4). */
  readonly approved: boolean
}

export interface Roster {
  /** Opaque text for `ver`; never empty. */
  readonly version: string
  readonly items: readonly RosterItem[]
}

export interface RosterChanges extends Roster {
  /** Contacts removed since then. */
  readonly removed: readonly string[]
}

/** One row per contact and a version per account (RFC 6121 §2.6). */
export interface RosterStore {
  /** All rows, those that are not `listed` included. */
  load(owner: Owner): Promise<Roster>
  get(owner: Owner, contact: string): Promise<RosterItem | undefined>
  /** What changed after `version`, oldest change first; undefined where that is unknown or too long ago: send the whole roster. */
  since(owner: Owner, version: string): Promise<RosterChanges | undefined>
  /**
   * Adds or replaces a row; gives the new version. Rejects with `full` where a new row would exceed `max` rows, with
   * `changed` where the roster has another version than `expected` by now: somebody else was faster.
   */
  put(owner: Owner, item: RosterItem, max?: number, expected?: string): Promise<string>
  /** Gives the new version; undefined where there was no such row. Rejects with `changed` as {@link put} does. */
  remove(owner: Owner, contact: string, expected?: string): Promise<string | undefined>
}

interface ItemRow {
  readonly contact: string
  readonly listed: boolean
  readonly name: string | null
  readonly groups: string[]
  readonly subscription: Subscription
  readonly ask: boolean
  readonly pending_in: string | null
  readonly approved: boolean
}

const COLUMNS = 'contact, listed, name, groups, subscription, ask, pending_in, approved'

const selectAll = sql<ItemRow & { version: bigint }>(
  'roster-load',
  `SELECT v.version, r.* FROM roster_version v
   LEFT JOIN LATERAL (SELECT ${COLUMNS} FROM roster WHERE owner = v.owner AND removed_at IS NULL) r ON true
   WHERE v.owner = $1`,
)
const selectOne = sql<ItemRow>(
  'roster-get',
  `SELECT ${COLUMNS} FROM roster WHERE owner = $1 AND contact = $2 AND removed_at IS NULL`,
)
// One statement, so that version and changes are of one moment.
const selectSince = sql<ItemRow & { current: bigint; removed: boolean }>(
  'roster-since',
  `SELECT v.version AS current, r.* FROM roster_version v
   LEFT JOIN LATERAL (
     SELECT ${COLUMNS}, version AS changed, removed_at IS NOT NULL AS removed FROM roster WHERE owner = v.owner AND version > $2
   ) r ON true
   WHERE v.owner = $1 AND v.floor <= $2 AND v.version >= $2 ORDER BY r.changed`,
)
const selectVersion = sql<{ version: bigint }>('roster-version', 'SELECT version FROM roster_version WHERE owner = $1')
// The row of roster_version is locked by the upsert, so changes of one roster happen one after another.
const BUMP = `INSERT INTO roster_version AS v (owner, version, floor)`
const onBump = (expected: string) =>
  `ON CONFLICT (owner) DO UPDATE SET version = v.version + 1 WHERE ${expected} IS NULL OR v.version = ${expected} RETURNING version`
const upsert = sql<{ version: bigint }>(
  'roster-put',
  `WITH room AS (
     SELECT 1 WHERE $11::int IS NULL
       OR EXISTS (SELECT 1 FROM roster WHERE owner = $1 AND contact = $3 AND removed_at IS NULL)
       OR (SELECT count(*) FROM roster WHERE owner = $1 AND removed_at IS NULL) < $11
   ), bumped AS (${BUMP} SELECT $1, $2, $2 FROM room ${onBump('$12::bigint')})
   INSERT INTO roster (owner, contact, listed, name, groups, subscription, ask, pending_in, approved, version)
   SELECT $1, $3, $4, $5, $6, $7, $8, $9, $10, version FROM bumped
   ON CONFLICT (owner, contact) DO UPDATE SET listed = excluded.listed, name = excluded.name, groups = excluded.groups,
     subscription = excluded.subscription, ask = excluded.ask, pending_in = excluded.pending_in,
     approved = excluded.approved, version = excluded.version, removed_at = NULL
   RETURNING version`,
)
const bury = sql<{ version: bigint }>(
  'roster-remove',
  `WITH known AS (SELECT 1 FROM roster WHERE owner = $1 AND contact = $3 AND removed_at IS NULL),
   bumped AS (${BUMP} SELECT $1, $2, $2 FROM known ${onBump('$4::bigint')})
   UPDATE roster SET version = bumped.version, removed_at = $2, listed = false, name = NULL, groups = '{}',
     subscription = 'none', ask = false, pending_in = NULL, approved = false
   FROM bumped WHERE owner = $1 AND contact = $3 RETURNING bumped.version`,
)

/** The version of a roster that was never changed: of no account that is used again, as versions begin at a time. */
const UNCHANGED = '0'

/** The rosters of a database; `clock` in milliseconds since 1970. */
export function rosterStore(db: Database, clock: () => number): RosterStore {
  async function changedSince(owner: Owner, expected: string | undefined): Promise<void> {
    if (expected === undefined) return
    const version = String((await db.row(selectVersion, owner))?.version ?? UNCHANGED)
    if (version !== expected) throw new StoreError('changed', `The roster of ${owner} has changed meanwhile`)
  }

  return {
    async load(owner) {
      const rows = await db.rows(selectAll, owner)
      return { version: rows[0] ? String(rows[0].version) : UNCHANGED, items: present(rows).map(item) }
    },
    async get(owner, contact) {
      const row = await db.row(selectOne, owner, contact)
      return row && item(row)
    },
    async since(owner, version) {
      // What a client sends as `ver` is anything at all; ours has at most 16 digits.
      if (!/^[1-9]\d{0,15}$/.test(version)) return undefined
      const rows = await db.rows(selectSince, owner, version)
      if (!rows[0]) return undefined
      const changed = present(rows)
      return {
        version: String(rows[0].current),
        items: changed.filter(row => !row.removed).map(item),
        removed: changed.filter(row => row.removed).map(row => row.contact),
      }
    },
    async put(owner, { contact, listed, name, groups, subscription, ask, pendingIn, approved }, max, expected) {
      const values = [
        contact,
        listed,
        name ?? null,
        groups,
        subscription,
        ask,
        pendingIn ?? null,
        approved,
        max ?? null,
        expected ?? null,
      ]
      const row = await db.row(upsert, owner, clock(), ...values)
      if (!row) await changedSince(owner, expected)
      if (!row) throw new StoreError('full', `The roster of ${owner} has reached ${max} entries`)
      return String(row.version)
    },
    async remove(owner, contact, expected) {
      const row = await db.row(bury, owner, clock(), contact, expected ?? null)
      if (!row) await changedSince(owner, expected)
      return row && String(row.version)
    },
  }
}

/** Without the one empty row that stands for "no items" in an outer join. */
function present<R extends ItemRow>(rows: readonly R[]): R[] {
  return rows.filter(row => row.contact !== null)
}

function item({ contact, listed, name, groups, subscription, ask, pending_in, approved }: ItemRow): RosterItem {
  return {
    contact,
    listed,
    ...(name !== null && { name }),
    groups,
    subscription,
    ask,
    ...(pending_in !== null && { pendingIn: pending_in }),
    approved,
  }
}
