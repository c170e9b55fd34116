import { countRows, logRow, ROW, readPage, readSpans, type StoredRow } from './archive.ts'
import type { Database } from './database.ts'
import { type ArchiveIds, firstIdAt } from './ids.ts'
import type { MessageLog, OutboxRow } from './messages.ts'
import { rowsOfOrigin } from './origins.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'
import type { Sweeper } from './sweeper.ts'
import { forgetWords, trimWords } from './words.ts'
import type { LogWriter } from './writer.ts'

const COUNT_CAP = 10_000
const TRIM_BATCH = 5000

const selectOwed = sql<StoredRow>(
  'log-owed',
  `SELECT ${ROW} FROM owed o JOIN message_log l ON l.owner = o.owner AND l.id = o.id
   WHERE o.owner = $1 AND o.id > $2 ORDER BY o.id LIMIT $3`,
)
const countOwed = sql<{ n: number }>('log-owed-count', 'SELECT count(*)::int AS n FROM owed WHERE owner = $1')
// Between them are the owners that begin with a slash.
const owedWays = sql<{ owner: string }>(
  'log-owed-ways',
  `SELECT DISTINCT owner FROM owed WHERE owner >= '/' AND owner < '0' AND id < $1 ORDER BY owner`,
)
const selectId = sql<StoredRow>('log-by-id', `SELECT ${ROW} FROM message_log l WHERE l.owner = $1 AND l.id = $2`)
const edge = (order: string) => `(SELECT id FROM message_log WHERE owner = $1 AND kept ORDER BY id ${order} LIMIT 1)`
const selectBounds = sql<{ first: bigint | null; last: bigint | null }>(
  'log-bounds',
  `SELECT ${edge('ASC')} AS first, ${edge('DESC')} AS last`,
)
const updateStanza = sql('log-replace', 'UPDATE message_log SET stanza = $3 WHERE owner = $1 AND id = $2')
const remove = sql<{ n: number }>(
  'log-remove',
  `WITH given AS (SELECT unnest($2::bigint[]) AS id),
   marks AS (DELETE FROM owed o USING given g WHERE o.owner = $1 AND o.id = g.id),
   gone AS (DELETE FROM message_log m USING given g WHERE m.owner = $1 AND m.id = g.id RETURNING 1)
   SELECT count(*)::int AS n FROM gone`,
)
// Goes forward by id, so that what must stay is looked at only once.
const trim = (name: string, scope: string) =>
  sql<{ n: number; last: bigint | null }>(
    name,
    `WITH old AS (
       SELECT l.owner, l.id FROM message_log l
       WHERE ${scope} AND l.id < $2 AND l.id > $3
         AND NOT EXISTS (SELECT 1 FROM owed o WHERE o.owner = l.owner AND o.id = l.id) AND l.owner <> ALL ($4::text[])
       ORDER BY l.id LIMIT ${TRIM_BATCH}
     ), gone AS (
       DELETE FROM message_log m USING old WHERE m.owner = old.owner AND m.id = old.id AND m.id < $2 RETURNING m.id
     ) SELECT count(*)::int AS n, max(id) AS last FROM gone`,
  )
// What is owed goes when it is delivered.
const keepNoLonger = sql(
  'log-keep-no-longer',
  `WITH marks AS (UPDATE owed SET kept = false WHERE owner = $1 AND id <= $2 AND kept RETURNING id)
   UPDATE message_log m SET kept = false FROM marks WHERE m.owner = $1 AND m.id = marks.id AND m.id <= $2`,
)
const trimOwner = trim('log-trim-owner', 'l.owner = $1')
const trimHost = trim('log-trim-host', `substr(l.owner, strpos(l.owner, '@') + 1) = $1`)
const selectHandled = sql<{ h: bigint }>('log-sm-handled', 'SELECT h FROM sm_inbound WHERE sm_id = $1')
const fence = sql<{ h: bigint }>(
  'log-sm-fence',
  'UPDATE sm_inbound SET epoch = 9223372036854775807 WHERE sm_id = $1 RETURNING h',
)
const forget = sql(
  'log-sm-forget',
  'WITH rows AS (DELETE FROM outbox WHERE sm_id = $1) DELETE FROM sm_inbound WHERE sm_id = $1',
)
const selectOutbox = sql<{ k: bigint; owner: string; id: bigint }>(
  'log-outbox',
  'SELECT k, owner, id FROM outbox WHERE sm_id = $1 ORDER BY k, id',
)

/** The log of a database: appends by `writer`, marks by `sweeper`, everything else from here. */
export function messageLog(db: Database, ids: ArchiveIds, writer: LogWriter, sweeper: Sweeper): MessageLog {
  return {
    nextId: () => ids.next(),
    append: (entries, inbound) => writer.append(entries, inbound),
    get pressure() {
      return writer.pressure
    },
    relieved: () => writer.relieved(),
    owedFor: async (owner, limit, after = -1n) => (await db.rows(selectOwed, owner, after, limit)).map(logRow),
    owedCount: async owner => (await db.row(countOwed, owner))?.n ?? 0,
    owedWays: async before => (await db.rows(owedWays, firstIdAt(before))).map(({ owner }) => owner),
    clearOwed: (owner, cleared) => sweeper.clear(owner, cleared),
    clearOwedUpTo: (owner, id) => sweeper.clearUpTo(owner, id),
    async flush() {
      await writer.flush()
      await sweeper.flush()
    },
    page: (owner, page) => readPage(db, owner, page),
    inSpans: (owner, spans, filter) => readSpans(db, owner, spans, filter),
    count: (owner, filter, cap = COUNT_CAP) => countRows(db, owner, filter, cap),
    async byId(owner, id) {
      const row = await db.row(selectId, owner, id)
      return row && logRow(row)
    },
    async byOriginId(owner, peer, originId) {
      const row = (await rowsOfOrigin(db, owner, peer, originId, 2)).find(({ kept }) => kept)
      return row && logRow(row)
    },
    allByOriginId: async (owner, peer, originId) => (await rowsOfOrigin(db, owner, peer, originId, 20)).map(logRow),
    async bounds(owner) {
      const { first, last } = (await db.row(selectBounds, owner))!
      return first === null || last === null ? undefined : { first, last }
    },
    replace: async (owner, id, stanza) => (await db.run(updateStanza, owner, id, stanza)) > 0,
    remove: async (owner, gone) => (await db.row(remove, owner, gone))!.n,
    async trim(scope, before) {
      const id = firstIdAt(before)
      await trimWords(db, scope, id)
      if ('owner' in scope) return trimAll(db, trimOwner, scope.owner, id)
      return trimAll(db, trimHost, scope.host, id, scope.except)
    },
    async forget(owner, upTo) {
      await forgetWords(db, owner, upTo)
      await db.run(keepNoLonger, owner, upTo)
      return trimAll(db, trimOwner, owner, upTo + 1n)
    },
    async smHandled(smId) {
      const row = await db.row(selectHandled, smId)
      return row && Number(row.h)
    },
    async fenceSm(smId) {
      const row = await db.row(fence, smId)
      return row && Number(row.h)
    },
    async forgetSm(smId) {
      await db.run(forget, smId)
    },
    handedOn: (smId, k) => sweeper.handedOn(smId, k),
    unfinished: async smId =>
      (await db.rows(selectOutbox, smId)).map((row): OutboxRow => ({ ...row, k: Number(row.k) })),
  }
}

async function trimAll(
  db: Database,
  statement: typeof trimOwner,
  scope: string,
  before: bigint,
  except: readonly Owner[] = [],
): Promise<number> {
  let total = 0
  let after = -1n
  for (;;) {
    const { n, last } = (await db.row(statement, scope, before, after, except))!
    if (last === null) return total
    total += n
    after = last
  }
}
