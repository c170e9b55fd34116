import type { Jid } from '@parley/jid'
import { type Message, NS, parseStanza, StanzaError } from '@parley/stanza'
import type { LogPage, LogRow } from '@parley/store'
import { type Reader, readerOf } from '../archive-pages.ts'
import type { ArchiveQuery } from '../archive-query.ts'
import type { Parts } from './parts.ts'
import type { Room } from './room.ts'
import { maySee } from './speakers.ts'

/** Rows that are read at once, and for one answer, to find those of one person. */
const PAGE = 200
const READ = 16_000

/**
 * How the archive of a room is read for somebody. Whoever may see real addresses may look for what a person has said, by any nick
 * (XEP-0313 §4.1.1); for others there is nobody of that address. Rooms do not write down who spoke, so lines are compared by occupant id.
 */
export function readingOf(
  { store: { messages }, search, ids }: Pick<Parts, 'store' | 'search' | 'ids'>,
  room: Room,
  asker: Jid,
  query: ArchiveQuery,
): { readonly query: ArchiveQuery; readonly reader: Reader } {
  const { with: partner, ...wider } = query.filter
  if (!partner || partner.peer === room.jid.text) {
    return { query, reader: readerOf(messages, search, room.jid.text, query) }
  }
  const all = { ...query, filter: wider }
  if (!maySee(room, asker)) return { query: all, reader: NOTHING }
  const reader = readerOf(messages, search, room.jid.text, all)
  return { query: all, reader: saidBy(ids.of(room, partner.peer), reader) }
}

const NOTHING: Reader = { page: async () => ({ rows: [], cut: false }), count: async () => 0 }

function saidBy(id: string, { page: read }: Reader): Reader {
  const isSaid = ({ stanza }: LogRow) => stanza.includes(id) && speakerOf(stanza) === id
  return {
    async page({ limit, backwards = false, ...filter }) {
      const found: LogRow[] = []
      let bounds: Omit<LogPage, 'limit'> = { ...filter, backwards }
      for (let left = READ; left > 0; left -= PAGE) {
        const { rows, cut } = await read({ ...bounds, limit: PAGE })
        const ordered = backwards ? rows.toReversed() : rows
        for (const row of ordered) if (found.length < limit && isSaid(row)) found.push(row)
        const edge = ordered.at(-1)
        if (found.length === limit || !edge || (rows.length < PAGE && !cut)) {
          return { rows: backwards ? found.reverse() : found, cut: false }
        }
        bounds = { ...bounds, ...(backwards ? { beforeId: edge.id } : { afterId: edge.id }) }
      }
      if (found.length === 0) throw new StanzaError('resource-constraint', 'Too much was said by others: name a time')
      return { rows: backwards ? found.reverse() : found, cut: true }
    },
  }
}

function speakerOf(stanza: string): string | undefined {
  return (parseStanza(stanza) as Message).child('occupant-id', NS.occupantId)?.attrs['id']
}
