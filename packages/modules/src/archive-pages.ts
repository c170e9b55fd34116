import type { Jid } from '@parley/jid'
import { Body, formatDateTime, Message, NS, rsmElement } from '@parley/stanza'
import { idFromText, idText, idTime, type LogPage, type LogRow, type MessageLog, type Owner } from '@parley/store'
import { type Element, el, escapeAttribute } from '@parley/xml'
import type { Awaitable, Request } from '@xmpp/server-core'
import { type ArchiveQuery, MAM, notFound } from './archive-query.ts'
import type { ArchiveSearch, Found } from './archive-search.ts'
import { phrasesOf } from './archive-words.ts'

/** Rows in one page at most, and where the client names no number. */
export const PAGE_LIMIT = 100

export interface ArchivePage {
  /** Oldest first. */
  readonly rows: readonly LogRow[]
  /** Nothing that matches lies beyond this page, in the direction of paging. */
  readonly complete: boolean
  /**
   * How many rows match in all, where that is known: the page holds them all, or nothing but the number was asked for, which
   * is then counted to a cap. XEP-0059 §2.6 leaves it free: a count of each page costs more than the page.
   */
  readonly count: number | undefined
}

/** What is read of an archive. */
export interface Reader {
  page(page: LogPage): Promise<Found>
  /** How many rows there are; absent: that would have to be read. */
  count?(): Promise<number>
}

/** Everything that a query asks for. */
export function readerOf(log: MessageLog, search: ArchiveSearch, owner: Owner, { filter, text }: ArchiveQuery): Reader {
  if (text !== undefined) return { page: page => search.page(owner, phrasesOf(text), page) }
  return {
    page: async page => ({ rows: await log.page(owner, page), cut: false }),
    count: () => log.count(owner, filter),
  }
}

/**
 * One page of an archive.
 * @throws StanzaError `item-not-found` where an id in the query is not in the archive, or as {@link ArchiveSearch.page}
 */
export async function readArchive(
  log: MessageLog,
  owner: Owner,
  query: ArchiveQuery,
  reader: Reader,
): Promise<ArchivePage> {
  const { filter, page, references } = query
  const ids = [...new Set(references)]
  if (ids.length > 0 && (await log.count(owner, { ids }, ids.length)) < ids.length) throw notFound()
  const limit = Math.min(page.max ?? PAGE_LIMIT, PAGE_LIMIT)
  // XEP-0059 §2.7
  if (limit === 0) {
    const count = await reader.count?.()
    return { rows: [], complete: count === 0, count }
  }
  const backwards = page.before !== undefined
  // One more than is shown tells whether there are more.
  const { rows, cut } = await reader.page({ ...filter, ...bounds(query), limit: limit + 1, backwards })
  if (rows.length <= limit) {
    return { rows, complete: !cut, count: cut || page.after || page.before ? undefined : rows.length }
  }
  return { rows: backwards ? rows.slice(1) : rows.slice(0, limit), complete: false, count: undefined }
}

/** The place of the page narrows what the filter says. */
function bounds({ filter, page }: ArchiveQuery): { afterId?: bigint; beforeId?: bigint } {
  const after = page.after === undefined ? undefined : idFromText(page.after)
  const before = page.before === undefined ? undefined : idFromText(page.before)
  const { afterId = after, beforeId = before } = filter
  return {
    ...(afterId !== undefined && { afterId: after !== undefined && after > afterId ? after : afterId }),
    ...(beforeId !== undefined && { beforeId: before !== undefined && before < beforeId ? before : beforeId }),
  }
}

/** Where an archive begins and ends (§5); nothing of an empty one. */
export async function metadata(log: MessageLog, owner: Owner): Promise<Element> {
  const found = await log.bounds(owner)
  const edge = (name: string, id: bigint) => el(name, MAM, { id: idText(id), timestamp: formatDateTime(idTime(id)) })
  return el('metadata', MAM, null, found && [edge('start', found.first), edge('end', found.last)])
}

/** A row as a client gets it (XEP-0313 §4.2), with `more` as its last child; what is stored is not parsed again. */
function resultMessage(
  { id, stanza }: LogRow,
  archive: Jid,
  to: Jid,
  queryId: string | undefined,
  more: string,
): Message {
  const asked = queryId === undefined ? '' : ` queryid="${escapeAttribute(queryId)}"`
  const stamp = `<delay xmlns="${NS.delay}" stamp="${formatDateTime(idTime(id))}"/>`
  const whole = more === '' ? stanza : `${stanza.slice(0, -'</message>'.length)}${more}</message>`
  const original = whole.replace('<message', `<message xmlns="${NS.client}"`)
  const result = `<result xmlns="${MAM}"${asked} id="${idText(id)}"><forwarded xmlns="${NS.forward}">${stamp}${original}</forwarded></result>`
  return new Message({ type: 'normal', from: archive, to }, Body.fromXml(result))
}

/** Sends what is in a page, with what `more` adds, in the order that was asked for; with a `mid` each message goes once, however often it is asked. */
export async function sendPage(
  { rows }: ArchivePage,
  { flipped, queryId }: ArchiveQuery,
  { from, to }: Request,
  mid: string | undefined,
  send: (message: Message, mid: string | undefined) => Awaitable<unknown>,
  more: (row: LogRow) => string = () => '',
): Promise<void> {
  for (const row of flipped ? rows.toReversed() : rows) {
    await send(resultMessage(row, to, from, queryId, more(row)), mid && `${mid}:${idText(row.id)}`)
  }
}

/** The end of a page (§4.3.2), in the order that the archive is read in. */
export function fin({ rows, complete, count }: ArchivePage, { descending }: ArchiveQuery): Element {
  const ends = descending ? [rows.at(-1), rows[0]] : [rows[0], rows.at(-1)]
  const [first, last] = ends.map(row => row && idText(row.id))
  return el('fin', MAM, complete ? { complete: 'true' } : {}, rsmElement({ first, last, count }))
}
