import type { Database } from './database.ts'
import { sql } from './sql.ts'
import type { FastToken, FastTokens } from './tokens.ts'

interface TokenRow {
  readonly slot: FastToken['slot']
  readonly mechanism: string
  readonly secret: Buffer
  readonly created: bigint
  readonly expires: bigint
  readonly counter: bigint
}

// A `current` token that is no longer good does not keep the new one waiting for a first use.
const issue = sql(
  'fast-issue',
  `WITH good AS (
     SELECT 1 FROM fast_token t JOIN account a USING (owner)
     WHERE t.owner = $1 AND t.client = $2 AND t.slot = 'current' AND t.expires > $5 AND t.generation = a.generation
   )
   INSERT INTO fast_token (owner, client, slot, mechanism, secret, generation, created, expires)
   SELECT owner, $2, CASE WHEN EXISTS (SELECT 1 FROM good) THEN 'next' ELSE 'current' END, $3, $4, generation, $5, $6
   FROM account WHERE owner = $1
   ON CONFLICT (owner, client, slot) DO UPDATE SET mechanism = excluded.mechanism, secret = excluded.secret,
     generation = excluded.generation, created = excluded.created, expires = excluded.expires, counter = 0`,
)
const selectValid = sql<TokenRow>(
  'fast-valid',
  `SELECT t.slot, t.mechanism, t.secret, t.created, t.expires, t.counter FROM fast_token t JOIN account a USING (owner)
   WHERE t.owner = $1 AND t.client = $2 AND t.expires > $3 AND t.generation = a.generation AND NOT a.disabled
   ORDER BY t.slot`,
)
const count = sql(
  'fast-used',
  `UPDATE fast_token SET counter = coalesce($4::bigint, counter)
   WHERE owner = $1 AND client = $2 AND slot = $3 AND ($4::bigint IS NULL OR counter < $4::bigint)`,
)
const dropCurrent = sql(
  'fast-drop-current',
  `DELETE FROM fast_token WHERE owner = $1 AND client = $2 AND slot = 'current'`,
)
const promote = sql(
  'fast-promote',
  `UPDATE fast_token SET slot = 'current' WHERE owner = $1 AND client = $2 AND slot = 'next'`,
)
const revoke = sql('fast-revoke', 'DELETE FROM fast_token WHERE owner = $1 AND ($2::text IS NULL OR client = $2)')

/** The FAST tokens of a database; `clock` in milliseconds since 1970. */
export function fastTokens(db: Database, clock: () => number): FastTokens {
  return {
    issue: async (owner, client, { mechanism, secret, expires }) =>
      (await db.run(issue, owner, client, mechanism, secret, clock(), expires)) > 0,
    valid: async (owner, client) => (await db.rows(selectValid, owner, client, clock())).map(token),
    used: (owner, client, slot, counter) =>
      db.transaction(async tx => {
        if ((await tx.run(count, owner, client, slot, counter ?? null)) === 0) return false
        if (slot === 'current') return true
        await tx.run(dropCurrent, owner, client)
        await tx.run(promote, owner, client)
        return true
      }),
    async revoke(owner, client) {
      await db.run(revoke, owner, client ?? null)
    },
  }
}

function token({ slot, mechanism, secret, created, expires, counter }: TokenRow): FastToken {
  return { slot, mechanism, secret, created: Number(created), expires: Number(expires), counter: Number(counter) }
}
