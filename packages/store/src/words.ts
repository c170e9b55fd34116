import { bounds } from './archive.ts'
import { positions, type WordHash, wordFilter, wordHash } from './bloom.ts'
import type { Database } from './database.ts'
import type { LogFilter } from './messages.ts'
import type { Owner } from './owner.ts'
import { type Statement, sql } from './sql.ts'

/** Rows of an archive that were indexed together: ids from `after`, exclusive, to `upto`, inclusive. */
export interface Span {
  readonly after: bigint
  readonly upto: bigint
}

export interface SpanPage extends Pick<LogFilter, 'start' | 'end' | 'afterId' | 'beforeId' | 'ids'> {
  readonly limit: number
  /** Newest first. */
  readonly backwards: boolean
}

/** Which words are in which part of an archive. Whoever searches makes the spans that are missing, and reads their rows. */
export interface ArchiveWords {
  /** The last id that is in a span; -1n where there is none. */
  end(owner: Owner): Promise<bigint>
  /** Adds a span with all words of its rows; false where another node was first to add one at that place. */
  add(owner: Owner, span: Span, words: ReadonlySet<string>): Promise<boolean>
  /** Spans that may have rows with all the words. Now and then one that has not is among them. */
  find(owner: Owner, words: readonly string[], page: SpanPage): Promise<Span[]>
}

/** Words that the filters are asked for; the rows are read anyway. */
const ASKED = 8

const selectEnd = sql<{ upto: bigint }>(
  'words-end',
  'SELECT upto FROM archive_words WHERE owner = $1 ORDER BY after DESC LIMIT 1',
)
const insert = sql(
  'words-add',
  'INSERT INTO archive_words (owner, after, upto, bits) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
)
const trimOwner = sql('words-trim-owner', 'DELETE FROM archive_words WHERE owner = $1 AND upto < $2')
const trimHost = sql(
  'words-trim-host',
  `DELETE FROM archive_words WHERE substr(owner, strpos(owner, '@') + 1) = $1 AND upto < $2 AND owner <> ALL ($3::text[])`,
)

/** All bits are set: every word may be there, and none is told. */
const blur = sql(
  'words-blur',
  `UPDATE archive_words SET bits = '\\xffffffffffffffff' WHERE owner = $1 AND after < $2 AND upto > $2`,
)

export function archiveWords(db: Database): ArchiveWords {
  return {
    end: async owner => (await db.row(selectEnd, owner))?.upto ?? -1n,
    add: async (owner, { after, upto }, words) => (await db.run(insert, owner, after, upto, wordFilter(words))) > 0,
    async find(owner, words, { limit, backwards, ...filter }) {
      // The longer a word, the fewer spans have it.
      const asked = [...new Set(words)].sort((a, b) => b.length - a.length).slice(0, ASKED)
      const values = asked.map(wordHash).flatMap(({ first, step }) => [first, step])
      return db.rows(search(asked.length, backwards), owner, ...bounds(filter), limit, ...values)
    },
  }
}

/** Forgets spans that lie before the id. */
export async function trimWords(
  db: Database,
  scope: { readonly owner: Owner } | { readonly host: string; readonly except?: readonly Owner[] },
  before: bigint,
): Promise<void> {
  if ('owner' in scope) await db.run(trimOwner, scope.owner, before)
  else await db.run(trimHost, scope.host, before, scope.except ?? [])
}

/** Nothing tells any more which words were in rows up to the id, inclusive. */
export async function forgetWords(db: Database, owner: Owner, upTo: bigint): Promise<void> {
  await trimWords(db, { owner }, upTo + 1n)
  // Rows that stay share a span with some that go: from now on they are read by every search that comes by.
  await db.run(blur, owner, upTo)
}

/** All bits of so many words are set: a statement for each number of words. */
function search(words: number, backwards: boolean): Statement<Span> {
  const bits = Array.from({ length: words }, (_, n) => {
    const hash = { first: `$${5 + 2 * n}::bigint`, step: `$${6 + 2 * n}::bigint` }
    return positionsInSql(hash)
      .map(position => ` AND get_bit(bits, ${position} % (octet_length(bits) * 8)) = 1`)
      .join('')
  }).join('')
  return sql(
    `words-find-${words}${backwards ? '-back' : ''}`,
    `SELECT after, upto FROM archive_words WHERE owner = $1 AND upto > $2 AND after < $3::bigint - 1${bits}
     ORDER BY after ${backwards ? 'DESC' : ''} LIMIT $4`,
  )
}

function positionsInSql({ first, step }: { readonly first: string; readonly step: string }): string[] {
  return positions({ first: 0, step: 1 } satisfies WordHash).map(n => `(${first} + ${n} * ${step})`)
}
