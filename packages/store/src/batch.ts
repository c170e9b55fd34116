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
// The last SELECT sees the outbox as it was before, and by `claimed` what this statement adds.
const appendOnce = sql<{ n: number; id: bigint | null }>(
  'log-append-outbox',
  `WITH entry AS (SELECT * FROM unnest(${ARRAYS}, $14::text[], $15::bigint[], $16::int[], $17::int[]) AS e(${ENTRY}, sm_id, k, part, n)),
   claimed AS (
     INSERT INTO outbox (${CLAIM}, id) SELECT ${CLAIM}, id FROM entry WHERE sm_id IS NOT NULL ON CONFLICT DO NOTHING RETURNING ${CLAIM}, id
   ),
   fresh AS (
     SELECT * FROM entry WHERE sm_id IS NULL UNION ALL SELECT e.* FROM entry e JOIN claimed c USING (${CLAIM}, id)
   ), ${into('fresh', TOLERANT)}, counted AS (${COUNT})
   SELECT e.n, coalesce(c.id, o.id) AS id
   FROM entry e LEFT JOIN claimed c USING (${CLAIM}) LEFT JOIN outbox o USING (${CLAIM}) WHERE e.sm_id IS NOT NULL`,
)
const findClaim = sql<{ id: bigint }>(
  'log-outbox-find',
  'SELECT id FROM outbox WHERE sm_id = $1 AND k = $2 AND owner = $3 AND part = $4',
)

/** Commits the writes in one statement, which is one transaction; puts the first ids into repeated ones. */
export async function commit(link: Link, writes: readonly Write[], now: number): Promise<void> {
  const values = [...entryColumns(writes), ...streamCounters(writes), now]
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
    places.map(({ part }) => part),
    places.map((_, n) => n),
  ]
  const { rows } = await link.query(appendOnce, [...values, ...claims])
  for (const { n, id } of rows) {
    const { write, part } = places[n]!
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
function streamCounters(writes: readonly Write[]): unknown[] {
  const streams = new Map<string, Inbound>()
  for (const { inbound } of writes) {
    if (inbound && inbound.k > (streams.get(inbound.smId)?.k ?? -1)) streams.set(inbound.smId, inbound)
  }
  const counters = [...streams.values()]
  return [
    textArray(counters.map(counter => counter.smId)),
    textArray(counters.map(counter => counter.owner)),
    bigintArray(counters.map(counter => counter.k)),
  ]
}
