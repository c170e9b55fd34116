import { type PageRequest, StanzaError } from '@parley/stanza'
import type { Element } from '@parley/xml'

export const ORDER = 'urn:xmpp:order-by:1'
/** XEP-0413 §3. Nothing takes the place of an archived message under a new time, so both are the order of arrival. */
const ORDERS: readonly (string | undefined)[] = ['creation', 'modification']

/**
 * Whether a query wants the newest first. What follows the first `<order/>` would decide between equals (§7), and no two
 * messages came at once.
 * @throws StanzaError `feature-not-implemented` for an order that is not known, `bad-request` for a direction that is none
 */
export function isDescending(query: Element): boolean {
  const orders = query.childrenNamed('order', ORDER)
  if (orders.some(({ attrs }) => !ORDERS.includes(attrs['by'])))
    throw new StanzaError('feature-not-implemented', 'An archive is in the order of creation or modification')
  const [first = false] = orders.map(({ attrs }) => readFlag(attrs['desc']))
  return first
}

/** §4.4 */
function readFlag(text = 'false'): boolean {
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw new StanzaError('bad-request', 'An order is descending or not')
}

/** A page of the reversed archive, as a page of the archive. */
export function turned(page: PageRequest, descending: boolean): PageRequest {
  if (!descending) return page
  const { after, before, ...rest } = page
  if (before === '') return rest
  return before === undefined ? { ...rest, before: after ?? '' } : { ...rest, after: before }
}
