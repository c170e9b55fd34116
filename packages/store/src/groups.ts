import type { Database } from './database.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'

export interface Group {
  readonly host: string
  readonly name: string
  /** What people see, in a shared roster above all. */
  readonly display: string
  /** Members have each other in their rosters. */
  readonly sharedRoster: boolean
}

/** Groups of accounts, per host: they carry shared rosters and policies. */
export interface GroupStore {
  /** Adds or changes a group. */
  put(group: Group): Promise<void>
  get(host: string, name: string): Promise<Group | undefined>
  /** With its memberships; false where there was none. */
  delete(host: string, name: string): Promise<boolean>
  list(host: string): Promise<Group[]>
  /** False where there is no such group. */
  addMember(host: string, name: string, owner: Owner): Promise<boolean>
  removeMember(host: string, name: string, owner: Owner): Promise<boolean>
  membersOf(host: string, name: string): Promise<Owner[]>
  groupsOf(owner: Owner): Promise<Group[]>
}

interface GroupRow {
  readonly host: string
  readonly name: string
  readonly display: string
  readonly shared_roster: boolean
}

const COLUMNS = 'g.host, g.name, g.display, g.shared_roster'

const upsert = sql(
  'group-put',
  `INSERT INTO account_group (host, name, display, shared_roster) VALUES ($1, $2, $3, $4)
   ON CONFLICT (host, name) DO UPDATE SET display = excluded.display, shared_roster = excluded.shared_roster`,
)
const select = sql<GroupRow>('group-get', `SELECT ${COLUMNS} FROM account_group g WHERE host = $1 AND name = $2`)
const remove = sql('group-delete', 'DELETE FROM account_group WHERE host = $1 AND name = $2')
const selectHost = sql<GroupRow>('group-list', `SELECT ${COLUMNS} FROM account_group g WHERE host = $1 ORDER BY name`)
const addMember = sql<{ known: boolean }>(
  'group-member-add',
  `WITH known AS (SELECT host, name FROM account_group WHERE host = $1 AND name = $2),
   added AS (INSERT INTO group_member (host, name, owner) SELECT host, name, $3 FROM known ON CONFLICT DO NOTHING)
   SELECT EXISTS (SELECT 1 FROM known) AS known`,
)
const removeMember = sql('group-member-remove', 'DELETE FROM group_member WHERE host = $1 AND name = $2 AND owner = $3')
const selectMembers = sql<{ owner: string }>(
  'group-members',
  'SELECT owner FROM group_member WHERE host = $1 AND name = $2 ORDER BY owner',
)
const selectGroups = sql<GroupRow>(
  'group-memberships',
  `SELECT ${COLUMNS} FROM group_member m JOIN account_group g USING (host, name) WHERE m.owner = $1 ORDER BY g.host, g.name`,
)

/** The groups of a database. */
export function groupStore(db: Database): GroupStore {
  return {
    async put({ host, name, display, sharedRoster }) {
      await db.run(upsert, host, name, display, sharedRoster)
    },
    async get(host, name) {
      const row = await db.row(select, host, name)
      return row && group(row)
    },
    delete: async (host, name) => (await db.run(remove, host, name)) > 0,
    list: async host => (await db.rows(selectHost, host)).map(group),
    addMember: async (host, name, owner) => (await db.row(addMember, host, name, owner))?.known === true,
    removeMember: async (host, name, owner) => (await db.run(removeMember, host, name, owner)) > 0,
    membersOf: async (host, name) => (await db.rows(selectMembers, host, name)).map(row => row.owner),
    groupsOf: async owner => (await db.rows(selectGroups, owner)).map(group),
  }
}

function group({ host, name, display, shared_roster }: GroupRow): Group {
  return { host, name, display, sharedRoster: shared_roster }
}
