import { bigintArray } from './arrays.ts'
import type { Database } from './database.ts'
import { firstIdAt } from './ids.ts'
import type { LogFilter, LogPage, LogRow, MessageType } from './messages.ts'
import type { Owner } from './owner.ts'
import { type Statement, sql } from './sql.ts'
import type { Span } from './words.ts'

export interface StoredRow {
  readonly owner: string
  readonly id: bigint
  readonly peer: string
  readonly resource: string | null
  readonly type: MessageType
  readonly origin_id: string | null
  readonly kept: boolean
  readonly stanza: string
}

export const ROW = 'l.owner, l.id, l.peer, l.resource, l.type, l.origin_id, l.kept, l.stanza'

/** The condition that a row of `owner` is of the conversation with `peer`; both are placeholders. */
export const ofPeer = (owner: string, peer: string) =>
  `hashtextextended(l.peer, hashtextextended(l.owner, 0)) = hashtextextended(${peer}, hashtextextended(${owner}, 0)) AND l.peer = ${peer}`

const LAST_ID = (1n << 63n) - 1n

/** The condition of a filter. Each shape is a statement of its own, so that each gets the index that fits. */
function condition(owner: Owner, filter: LogFilter): { shape: string; where: string; values: unknown[] } {
  const values: unknown[] = [owner, ...bounds(filter)]
  let where = 'l.owner = $1 AND l.kept AND l.id > $2 AND l.id < $3'
  let shape = ''
  const add = (letter: string, clause: (place: string) => string, value: unknown) => {
    values.push(value)
    where += ` AND ${clause(`$${values.length}`)}`
    shape += letter
  }
  if (filter.with) add('p', $ => ofPeer('$1', $), filter.with.peer)
  if (filter.with?.resource !== undefined) add('r', $ => `l.resource = ${$}`, filter.with.resource)
  if (filter.ids) add('i', $ => `l.id = ANY(${$}::bigint[])`, filter.ids)
  if (filter.groupchat === false) add('g', $ => `l.type <> ${$}`, 'groupchat')
  return { shape, where, values }
}

/** Both exclusive, as narrow as can be: partitions outside are left out. */
export function bounds({
  start,
  end,
  afterId = -1n,
  beforeId = LAST_ID,
  ids = [],
}: Omit<LogFilter, 'with'>): readonly [bigint, bigint] {
  let after = afterId
  let before = beforeId
  const narrow = (first: bigint, last: bigint) => {
    if (first - 1n > after) after = first - 1n
    if (last + 1n < before) before = last + 1n
  }
  if (start !== undefined) narrow(firstIdAt(start), LAST_ID - 1n)
  if (end !== undefined) narrow(0n, firstIdAt(Math.floor(end) + 1) - 1n)
  if (ids.length > 0) {
    const sorted = [...ids].sort((a, b) => (a < b ? -1 : 1))
    narrow(sorted[0]!, sorted.at(-1)!)
  }
  return [after, before]
}

/** One page of an archive, oldest row first. */
export async function readPage(
  db: Database,
  owner: Owner,
  { limit, backwards = false, ...filter }: LogPage,
): Promise<LogRow[]> {
  const { shape, where, values } = condition(owner, filter)
  const statement: Statement<StoredRow> = sql(
    `log-page-${shape}${backwards ? '-back' : ''}`,
    `SELECT ${ROW} FROM message_log l WHERE ${where} ORDER BY l.id ${backwards ? 'DESC' : ''} LIMIT $${values.length + 1}`,
  )
  const rows = await db.rows(statement, ...values, limit)
  if (backwards) rows.reverse()
  return rows.map(logRow)
}

/** Far more than a span has. With a limit each of them is read by its index, and in no other way. */
const IN_A_SPAN = 100

/** One statement, however many parts there are. */
export async function readSpans(
  db: Database,
  owner: Owner,
  spans: readonly Span[],
  filter: LogFilter,
): Promise<LogRow[]> {
  const { shape, where, values } = condition(owner, filter)
  const n = values.length
  const statement: Statement<StoredRow> = sql(
    `log-spans-${shape}`,
    `SELECT ${ROW} FROM unnest($${n + 1}::bigint[], $${n + 2}::bigint[]) AS s(after, upto)
     CROSS JOIN LATERAL (
       SELECT * FROM message_log l WHERE ${where} AND l.id > s.after AND l.id <= s.upto ORDER BY l.id LIMIT ${IN_A_SPAN}
     ) AS l ORDER BY l.id`,
  )
  const [after, upto] = [spans.map(span => span.after), spans.map(span => span.upto)]
  return (await db.rows(statement, ...values, bigintArray(after), bigintArray(upto))).map(logRow)
}

export async function countRows(db: Database, owner: Owner, filter: LogFilter, cap: number): Promise<number> {
  const { shape, where, values } = condition(owner, filter)
  const statement: Statement<{ n: number }> = sql(
    `log-count-${shape}`,
    `SELECT count(*)::int AS n FROM (SELECT 1 FROM message_log l WHERE ${where} LIMIT $${values.length + 1}) found`,
  )
  return (await db.row(statement, ...values, cap))?.n ?? 0
}

export function logRow({ owner, id, peer, resource, type, origin_id, kept, stanza }: StoredRow): LogRow {
  return {
    owner,
    id,
    peer,
    ...(resource !== null && { resource }),
    type,
    ...(origin_id !== null && { originId: origin_id }),
    kept,
    stanza,
  }
}
