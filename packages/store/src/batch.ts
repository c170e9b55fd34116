import { bigintArray, boolArray, textArray } from './arrays.ts'
import { isDuplicate } from './failures.ts'
import type { Link } from './link.ts'
import type { Inbound, LogEntry } from './messages.ts'
import { sql } from './sql.ts'

/** The rows of one call of `append`, with their ids. */
export interface Write {
  readonly entries: readonly LogEntry[]
  ids: readonly bigint[]
  readonly inbound: Inbound | undefined
  /** Its stream has another owner by now: nothing was stored. */
  fenced?: boolean
}

const ENTRY = 'owner, id, peer, resource, type, origin_id, kept, owed, stanza'
const ARRAYS =
  '$1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[], $9::text[]'
const LOG_COLUMNS = 'owner, id, peer, resource, type, origin_id, kept, stanza'

const into = (source: string, conflict = '') => `
  logged AS (INSERT INTO message_log (${LOG_COLUMNS}) SELECT ${LOG_COLUMNS} FROM ${source} ${conflict}),
  marked AS (INSERT INTO owed (owner, id, kept) SELECT owner, id, kept FROM ${source} WHERE owed ${conflict})`
const COUNT = `INSERT INTO sm_inbound (sm_id, owner, h, updated)
  SELECT sm_id, owner, h, $13 FROM unnest($10::text[], $11::text[], $12::bigint[]) AS s(sm_id, owner, h)
  ON CONFLICT (sm_id) DO UPDATE SET h = greatest(sm_inbound.h, excluded.h), updated = excluded.updated`

const ROWS = `entry AS (SELECT * FROM unnest(${ARRAYS}) AS e(${ENTRY}))`
const append = sql('log-append', `WITH ${ROWS}, ${into('entry')} ${COUNT}`)
// A conflict of (owner, id) is the repeat of a batch whose answer was lost, or of an import: the row is there already. To
// be ready for it costs a third more for each row, so that this is tried only where it happened.
const TOLERANT = 'ON CONFLICT DO NOTHING'
const appendAgain = sql('log-append-again', `WITH ${ROWS}, ${into('entry', TOLERANT)} ${COUNT}`)
const CLAIM = 'sm_id, k, owner, part'
const OWNED = 'INSERT INTO sm_inbound (sm_id, owner, h, updated, epoch)'
// The lock makes the judgement hold until the commit. The last SELECT sees the outbox as it was before, and by `claimed` what
// this statement adds.
const appendOnce = sql<{ n: number; id: bigint | null; fenced: boolean }>(
  'log-append-outbox',
  `WITH entry AS (
     SELECT * FROM unnest(${ARRAYS}, $14::text[], $15::bigint[], $16::bigint[], $17::int[], $18::int[]) AS e(${ENTRY}, sm_id, k, epoch, part, n)
   ),
   known AS MATERIALIZED (
     SELECT sm_id, epoch FROM sm_inbound WHERE sm_id = ANY ($10::text[]) ORDER BY sm_id FOR NO KEY UPDATE
   ),
   judged AS MATERIALIZED (
     SELECT e.*, coalesce(s.epoch > e.epoch, false) AS fenced FROM entry e LEFT JOIN known s USING (sm_id)
   ),
   claimed AS (
     INSERT INTO outbox (${CLAIM}, id) SELECT ${CLAIM}, id FROM judged WHERE sm_id IS NOT NULL AND NOT fenced
     ON CONFLICT DO NOTHING RETURNING ${CLAIM}, id
   ),
   fresh AS (
     SELECT ${ENTRY} FROM judged WHERE sm_id IS NULL
     UNION ALL SELECT ${ENTRY} FROM judged e JOIN claimed c USING (${CLAIM}, id)
   ), ${into('fresh', TOLERANT)},
   counted AS (
     ${OWNED} SELECT sm_id, owner, h, $13, epoch
     FROM unnest($10::text[], $11::text[], $12::bigint[], $19::bigint[]) AS s(sm_id, owner, h, epoch)
     ON CONFLICT (sm_id) DO UPDATE SET
       h = greatest(sm_inbound.h, excluded.h), updated = excluded.updated, epoch = greatest(sm_inbound.epoch, excluded.epoch)
     WHERE excluded.epoch = 0 OR sm_inbound.epoch <= excluded.epoch
   )
   SELECT e.n, coalesce(c.id, o.id) AS id, e.fenced
   FROM judged e LEFT JOIN claimed c USING (${CLAIM}) LEFT JOIN outbox o USING (${CLAIM}) WHERE e.sm_id IS NOT NULL`,
)
const findClaim = sql<{ id: bigint }>(
  'log-outbox-find',
  'SELECT id FROM outbox WHERE sm_id = $1 AND k = $2 AND owner = $3 AND part = $4',
)

/** Commits the writes in one statement, which is one transaction; puts the first ids into repeated ones, marks fenced ones. */
export async function commit(link: Link, writes: readonly Write[], now: number): Promise<void> {
  const counters = largestCounts(writes)
  const values = [...entryColumns(writes), ...counterColumns(counters), now]
  if (!writes.some(write => write.inbound?.outbox)) {
    await link.query(append, values).catch((error: unknown) => {
      if (!isDuplicate(error)) throw error
      return link.query(appendAgain, values)
    })
    return
  }
  const places = writes.flatMap(write => write.entries.map((_, part) => ({ write, part })))
  const claims = [
    places.map(({ write }) => (write.inbound?.outbox ? write.inbound.smId : null)),
    places.map(({ write }) => write.inbound?.k ?? null),
    places.map(({ write }) => epochOf(write.inbound)),
    places.map(({ part }) => part),
    places.map((_, n) => n),
    bigintArray(counters.map(epochOf)),
  ]
  const { rows } = await link.query(appendOnce, [...values, ...claims])
  for (const { n, id, fenced } of rows) {
    const { write, part } = places[n]!
    if (fenced) {
      write.fenced = true
      continue
    }
    const first = id ?? (await concurrentClaim(link, write, part))
    if (first !== write.ids[part]) write.ids = write.ids.with(part, first)
  }
}

/** Another node stored the same stanza while our statement was running: by now its row is visible. */
async function concurrentClaim(link: Link, { inbound, entries, ids }: Write, part: number): Promise<bigint> {
  const { rows } = await link.query(findClaim, [inbound!.smId, inbound!.k, entries[part]!.owner, part])
  return rows[0]?.id ?? ids[part]!
}

function entryColumns(writes: readonly Write[]): unknown[] {
  const entries: LogEntry[] = []
  const ids: bigint[] = []
  for (const write of writes) {
    entries.push(...write.entries)
    ids.push(...write.ids)
  }
  return [
    textArray(entries.map(entry => entry.owner)),
    bigintArray(ids),
    textArray(entries.map(entry => entry.peer)),
    textArray(entries.map(entry => entry.resource)),
    textArray(entries.map(entry => entry.type)),
    textArray(entries.map(entry => entry.originId)),
    boolArray(entries.map(entry => entry.kept)),
    boolArray(entries.map(entry => entry.owed)),
    textArray(entries.map(entry => entry.stanza)),
  ]
}

/** The largest count of each stream: one statement may touch a row only once. */
function largestCounts(writes: readonly Write[]): readonly Inbound[] {
  const streams = new Map<string, Inbound>()
  for (const { inbound } of writes) {
    if (inbound && inbound.k > (streams.get(inbound.smId)?.k ?? -1)) streams.set(inbound.smId, inbound)
  }
  return [...streams.values()]
}

function counterColumns(counters: readonly Inbound[]): unknown[] {
  return [
    textArray(counters.map(counter => counter.smId)),
    textArray(counters.map(counter => counter.owner)),
    bigintArray(counters.map(counter => counter.k)),
  ]
}

function epochOf(inbound: Inbound | undefined): number {
  return inbound?.epoch ?? 0
}
