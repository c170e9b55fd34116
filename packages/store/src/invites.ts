import { createHash } from 'node:crypto'
import type { Database } from './database.ts'
import type { Json } from './maps.ts'
import { sql } from './sql.ts'
import type { Invites, StoredInvite } from './tokens.ts'

interface InviteRow {
  readonly id: string
  readonly owner: string
  readonly host: string
  readonly kind: StoredInvite['kind']
  readonly subject: string | null
  readonly created: bigint
  readonly expires: bigint
  readonly uses_left: number
  readonly data: Json
}

const COLUMNS = 'id, owner, host, kind, subject, created, expires, uses_left, data'

const insert = sql<InviteRow>(
  'invite-create',
  `INSERT INTO invite (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb) RETURNING ${COLUMNS}`,
)
const select = sql<InviteRow>(
  'invite-peek',
  `SELECT ${COLUMNS} FROM invite WHERE id = $1 AND expires > $2 AND uses_left > 0`,
)
const take = sql<InviteRow>(
  'invite-consume',
  `UPDATE invite SET uses_left = uses_left - 1 WHERE id = $1 AND expires > $2 AND uses_left > 0 RETURNING ${COLUMNS}`,
)
const selectHost = sql<InviteRow>(
  'invite-list',
  `SELECT ${COLUMNS} FROM invite WHERE host = $1 AND expires > $2 AND uses_left > 0 ORDER BY created, id`,
)
const remove = sql('invite-revoke', 'DELETE FROM invite WHERE id = $1')

/** The invites of a database; `clock` in milliseconds since 1970. */
export function inviteStore(db: Database, clock: () => number): Invites {
  return {
    async create(token, { owner, host, kind, subject, expires, uses, data }) {
      const json = data === undefined ? null : JSON.stringify(data)
      const row = await db.row(insert, digest(token), owner, host, kind, subject ?? null, clock(), expires, uses, json)
      return invite(row!)
    },
    async peek(token) {
      const row = await db.row(select, digest(token), clock())
      return row && invite(row)
    },
    async consume(token) {
      const row = await db.row(take, digest(token), clock())
      return row && invite(row)
    },
    list: async host => (await db.rows(selectHost, host, clock())).map(invite),
    revoke: async id => (await db.run(remove, id)) > 0,
  }
}

/** Tokens are long and random, so a plain hash cannot be searched for. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function invite({ id, owner, host, kind, subject, created, expires, uses_left, data }: InviteRow): StoredInvite {
  return {
    id,
    owner,
    host,
    kind,
    ...(subject !== null && { subject }),
    created: Number(created),
    expires: Number(expires),
    uses: uses_left,
    ...(data !== null && { data }),
  }
}
