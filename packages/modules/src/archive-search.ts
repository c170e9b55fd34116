import { type Message, NS, parseStanza, StanzaError } from '@parley/stanza'
import { type ArchiveWords, firstIdAt, type LogPage, type LogRow, type MessageLog, type Owner } from '@parley/store'
import type { Clock, Logger } from '@xmpp/server-core'
import { hasPhrases, type Phrase, tokensOf, wordsOf } from './archive-words.ts'
import { isEncrypted } from './message-rules.ts'

/** Rows of one span of the index. */
const SPAN = 32
/** Spans that are made together. */
const SPANS = 8
/** Rows that are read at once where there is no index. */
const PAGE = 200
/** Younger rows may still be joined by some with smaller ids, of other nodes: they are read without an index. */
const SETTLED = 60_000
/** Spans that are read together: few at first, since words that are in many rows need no more. */
const FIRST = 4
const TOGETHER = 64
/** Rows that one search reads at most. */
const READ = 16_000
/** How long a search waits for its index. */
const PATIENCE = 3000
/** Archives that are indexed at the same time. */
const JOBS = 4

export interface Found {
  /** Oldest first. */
  readonly rows: readonly LogRow[]
  readonly cut: boolean
}

interface Parts {
  readonly messages: MessageLog
  readonly words: ArchiveWords
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Looks for words in archives. The index of an archive is made when its owner first searches, and brought up to date by the
 * next search, so that messages cost nothing for it.
 */
export class ArchiveSearch {
  readonly #parts: Parts
  readonly #jobs = new Map<Owner, Promise<boolean>>()
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  stop(): void {
    this.#stopped = true
  }

  /**
   * As `MessageLog.page`, only rows that have all phrases in a body that is not encrypted. `cut`: too many rows had to be read,
   * and there may be more behind these.
   * @throws StanzaError `resource-constraint` while the index is being made, or where nothing was found in what could be read
   */
  async page(owner: Owner, phrases: readonly Phrase[], page: LogPage): Promise<Found> {
    if (phrases.length === 0) return { rows: [], cut: false }
    if (!(await this.#isIndexed(owner)))
      throw new StanzaError('resource-constraint', 'The archive is being indexed: try again later')
    const { limit } = page
    const found = new Map<bigint, LogRow>()
    let read = 0
    let cut = false
    for await (const rows of this.#candidates(owner, phrases, page)) {
      read += rows.length
      for (const row of rows) if (found.size < limit && matches(row, phrases)) found.set(row.id, row)
      if (found.size >= limit) break
      if (read <= READ) continue
      cut = true
      if (found.size > 0) break
      // XEP-0059 §2.2: a page that is empty has no place to go on from.
      throw new StanzaError('resource-constraint', 'The search reads too much: name rarer words or a time')
    }
    // Two nodes that indexed at once made spans that overlap.
    return { rows: [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), cut }
  }

  /** Rows that may match, in the order of paging, some at a time. */
  async *#candidates(owner: Owner, phrases: readonly Phrase[], page: LogPage): AsyncGenerator<LogRow[]> {
    const { messages, words } = this.#parts
    const { backwards = false, limit: _, ...filter } = page
    const end = await words.end(owner)
    const tail = { ...filter, afterId: larger(filter.afterId, end) }
    if (backwards) yield* this.#all(owner, tail, true)
    const wanted = phrases.flatMap(phrase => wordsOf(phrase))
    let { afterId, beforeId } = filter
    for (let together = FIRST; ; together = Math.min(2 * together, TOGETHER)) {
      const within = {
        ...filter,
        ...(afterId !== undefined && { afterId }),
        ...(beforeId !== undefined && { beforeId }),
      }
      const spans = await words.find(owner, wanted, { ...within, limit: together, backwards })
      const rows = await messages.inSpans(owner, spans, within)
      yield backwards ? rows.reverse() : rows
      const last = spans.at(-1)
      if (!last || spans.length < together) break
      if (backwards) beforeId = last.after + 1n
      else afterId = last.upto
    }
    if (!backwards) yield* this.#all(owner, tail, false)
  }

  async *#all(owner: Owner, filter: Omit<LogPage, 'limit'>, backwards: boolean): AsyncGenerator<LogRow[]> {
    let bounds = filter
    for (;;) {
      const rows = await this.#parts.messages.page(owner, { ...bounds, limit: PAGE, backwards })
      const edge = backwards ? rows[0] : rows.at(-1)
      yield backwards ? rows.toReversed() : rows
      if (!edge || rows.length < PAGE) return
      bounds = backwards ? { ...bounds, beforeId: edge.id } : { ...bounds, afterId: edge.id }
    }
  }

  /** Brings the index up to date; false: that takes longer, and goes on. */
  async #isIndexed(owner: Owner): Promise<boolean> {
    const { clock, log } = this.#parts
    let job = this.#jobs.get(owner)
    if (!job) {
      if (this.#jobs.size >= JOBS) return false
      job = this.#index(owner).finally(() => this.#jobs.delete(owner))
      job.catch((error: unknown) => log.warn('an archive cannot be indexed', { owner, error }))
      this.#jobs.set(owner, job)
    }
    let stop = () => {}
    const patience = new Promise<boolean>(resolve => {
      stop = clock.after(PATIENCE, () => resolve(false))
    })
    return Promise.race([job, patience]).finally(stop)
  }

  async #index(owner: Owner): Promise<boolean> {
    const { messages, words, clock } = this.#parts
    let after = await words.end(owner)
    while (!this.#stopped) {
      const settled = firstIdAt(clock.now() - SETTLED)
      const rows = await messages.page(owner, { afterId: after, beforeId: settled, limit: SPANS * SPAN })
      const added: Promise<boolean>[] = []
      for (let n = 0; n + SPAN <= rows.length; n += SPAN) {
        const part = rows.slice(n, n + SPAN)
        const upto = part.at(-1)!.id
        const all = new Set(part.flatMap(({ stanza }) => wordsOf(tokensOf(bodiesOf(stanza)))))
        added.push(words.add(owner, { after, upto }, all))
        after = upto
      }
      // Another node was first: its spans go on from there.
      if ((await Promise.all(added)).includes(false)) after = await words.end(owner)
      else if (rows.length < SPANS * SPAN) return true
    }
    return false
  }
}

function matches({ stanza }: LogRow, phrases: readonly Phrase[]): boolean {
  if (!mayHave(stanza, phrases) || !hasPhrases(tokensOf(bodiesOf(stanza)), phrases)) return false
  // Only now is it worth its reading.
  const message = parseStanza(stanza) as Message
  if (isEncrypted(message)) return false
  return message.children.some(
    child =>
      typeof child !== 'string' &&
      child.name === 'body' &&
      child.ns === NS.client &&
      hasPhrases(tokensOf(child.text()), phrases),
  )
}

/** What can be said without cutting the text into words: of plain Latin letters, that all of these are there somewhere. */
function mayHave(stanza: string, phrases: readonly Phrase[]): boolean {
  if (BEYOND_ASCII.test(stanza)) return true
  const text = stanza.toLowerCase()
  return phrases.every(phrase => phrase.every(token => text.includes(token)))
}

const BEYOND_ASCII = /[^\0-\x7f]/
const BODY = /<body[^>]*>([^<]*)/g
const REFERENCE = /&(?:lt|gt|amp|quot|apos|#\d+);/g

/** The text of all bodies in the XML of a stanza, as this server writes it; more than count in the end. */
function bodiesOf(xml: string): string {
  let text = ''
  for (const [, body] of xml.matchAll(BODY)) text += `${body}\n`
  return text.includes('&') ? text.replace(REFERENCE, ' ') : text
}

function larger(a: bigint | undefined, b: bigint): bigint {
  return a !== undefined && a > b ? a : b
}
