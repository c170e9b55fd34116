import { type Element, el } from '@parley/xml'
import { StanzaError } from './error.ts'
import { NS } from './namespaces.ts'

/** Which page is asked for (XEP-0059 §2). At most one of `after`, `before` and `index` is there. */
export interface PageRequest {
  /** Items wanted at most; 0 asks for the count alone. */
  readonly max?: number
  /** The page that follows this item. */
  readonly after?: string
  /** The page that ends before this item; '' is the last page of all. */
  readonly before?: string
  /** The page that begins at this position, counted from 0. */
  readonly index?: number
}

/** What is said of the page that was sent. `first` and `last` are absent for an empty page. */
export interface PageSummary {
  readonly first?: string | undefined
  readonly last?: string | undefined
  /** The position of the first item among all of them. */
  readonly index?: number | undefined
  /** How many items there are in all. */
  readonly count?: number | undefined
}

/**
 * Reads the `<set/>` in a request; {} where there is none.
 * @throws {@link StanzaError} `bad-request` where a number is not one, or two places are asked for at once
 */
export function readRsm(parent: Element): PageRequest {
  const set = parent.child('set', NS.rsm)
  if (!set) return {}
  const max = wholeNumber(set.textOf('max'))
  const index = wholeNumber(set.textOf('index'))
  const after = set.textOf('after')
  const before = set.textOf('before')
  if ([after, before, index].filter(place => place !== undefined).length > 1) {
    throw new StanzaError('bad-request', 'A page has one place')
  }
  return {
    ...(max !== undefined && { max }),
    ...(index !== undefined && { index }),
    // XEP-0059 §2.2: the page after nothing is the first.
    ...(after !== undefined && after !== '' && { after }),
    ...(before !== undefined && { before }),
  }
}

export function rsmElement({ first, last, index, count }: PageSummary): Element {
  return el(
    'set',
    NS.rsm,
    null,
    first === undefined ? undefined : el('first', NS.rsm, { index }, first),
    last === undefined ? undefined : el('last', NS.rsm, null, last),
    count === undefined ? undefined : el('count', NS.rsm, null, count),
  )
}

/**
 * The page of a list that is in memory, `limit` items at most.
 * @throws {@link StanzaError} `item-not-found` where the item that the page is counted from is not in the list
 */
export function pageOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { max = Number.POSITIVE_INFINITY, after, before, index = 0 }: PageRequest,
  limit: number,
): { readonly items: readonly T[]; readonly summary: PageSummary } {
  const size = Math.min(max, limit)
  let start = index
  if (after !== undefined) start = positionOf(items, idOf, after) + 1
  let end = start + size
  if (before !== undefined) {
    end = before === '' ? items.length : positionOf(items, idOf, before)
    start = Math.max(0, end - size)
  }
  const page = items.slice(start, end)
  const count = items.length
  if (page.length === 0) return { items: page, summary: { count } }
  return { items: page, summary: { first: idOf(page[0]!), last: idOf(page.at(-1)!), index: start, count } }
}

/** XEP-0059 §2.2: who asks for a page hears which one it is, and who gets less than all; of nothing at all nothing is said. */
export function pageSet(
  request: Element,
  { items, summary }: { readonly items: readonly unknown[]; readonly summary: PageSummary },
): Element | undefined {
  const { count = 0 } = summary
  const asked = request.child('set', NS.rsm) !== undefined
  return count > items.length || (asked && count > 0) ? rsmElement(summary) : undefined
}

function positionOf<T>(items: readonly T[], idOf: (item: T) => string, id: string): number {
  const position = items.findIndex(item => idOf(item) === id)
  // XEP-0059 §2.4
  if (position < 0) throw new StanzaError('item-not-found', 'The item that the page is counted from is gone')
  return position
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new StanzaError('bad-request', 'A page has a whole number of items')
  return Number(text)
}
