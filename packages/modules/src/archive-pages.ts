import type { Jid } from '@parley/jid'
import { Body, formatDateTime, Message, NS, rsmElement } from '@parley/stanza'
import { idFromText, idText, idTime, type LogRow, type MessageLog, type Owner } from '@parley/store'
import { type Element, el, escapeAttribute } from '@parley/xml'
import { type ArchiveQuery, MAM, notFound } from './archive-query.ts'

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

/** One page of an archive. @throws StanzaError `item-not-found` where an id in the query is not in the archive */
export async function readArchive(log: MessageLog, owner: Owner, query: ArchiveQuery): Promise<ArchivePage> {
  const { filter, page, references } = query
  const wanted = [...new Set(references)]
  if (wanted.length > 0 && (await log.count(owner, { ids: wanted }, wanted.length)) < wanted.length) throw notFound()
  const limit = Math.min(page.max ?? PAGE_LIMIT, PAGE_LIMIT)
  // XEP-0059 §2.7
  if (limit === 0) {
    const count = await log.count(owner, filter)
    return { rows: [], complete: count === 0, count }
  }
  const backwards = page.before !== undefined
  // One more than is shown tells whether there are more.
  const rows = await log.page(owner, { ...filter, ...bounds(query), limit: limit + 1, backwards })
  if (rows.length <= limit) return { rows, complete: true, count: page.after || page.before ? undefined : rows.length }
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

/** A row as a client gets it (XEP-0313 §4.2); what is stored is not parsed again. */
export function resultMessage({ id, stanza }: LogRow, archive: Jid, to: Jid, queryId: string | undefined): Message {
  const asked = queryId === undefined ? '' : ` queryid="${escapeAttribute(queryId)}"`
  const stamp = `<delay xmlns="${NS.delay}" stamp="${formatDateTime(idTime(id))}"/>`
  const original = stanza.replace('<message', `<message xmlns="${NS.client}"`)
  const result = `<result xmlns="${MAM}"${asked} id="${idText(id)}"><forwarded xmlns="${NS.forward}">${stamp}${original}</forwarded></result>`
  return new Message({ type: 'normal', from: archive, to }, Body.fromXml(result))
}

/** The end of a page (§4.3.2). */
export function fin({ rows, complete, count }: ArchivePage): Element {
  const [first, last] = [rows[0], rows.at(-1)].map(row => row && idText(row.id))
  return el('fin', MAM, complete ? { complete: 'true' } : {}, rsmElement({ first, last, count }))
}
