import { pageSet, readRsm, StanzaError } from '@parley/stanza'
import type { PubsubNode } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { checkKept, isOwner, nothing, readable } from './access.ts'
import { change, nodeName } from './change.ts'
import { keepOf, option } from './config.ts'
import { answerItems, retracted } from './events.ts'
import { bareOf, because, PUBSUB } from './names.ts'
import type { Asking } from './service.ts'

/** What one answer holds: items, and characters of their payloads. */
const ITEMS = 1000
const CHARS = 2_000_000
const IDS = 100

/** Items of a node (XEP-0060 §6.5): all, the newest few, some by id, or a page (XEP-0059). */
export async function getItems(asking: Asking): Promise<Element> {
  const { service, request, pubsub } = asking
  const name = nodeName(asking)
  const node = await readable(asking, name)
  checkSubscription(request, node)
  checkKept(service, node)
  const { max: kept, since } = keepOf(service, node.config)
  const ids = request.childrenNamed('item').map(item => item.attrs['id'] ?? '')
  if (ids.length > IDS) throw new StanzaError('bad-request', 'Too many items at a time')
  if (ids.length > 0) {
    const found = await service.store.itemsById(service.jid.text, name, ids, since)
    return el('pubsub', PUBSUB, null, answerItems(service, node, found))
  }
  const { max, index, ...place } = readRsm(pubsub)
  const limit = Math.min(ITEMS, kept, max ?? ITEMS, maxItems(request) ?? ITEMS)
  const page = { limit, chars: CHARS, since, offset: index ?? 0, ...place }
  const found = await service.store.items(service.jid.text, name, page)
  // XEP-0059 §2.4
  if (!found) throw new StanzaError('item-not-found', 'The item that the page is counted from is gone')
  const { items, count, index: position } = found
  const summary = { first: items[0]?.id, last: items.at(-1)?.id, index: items[0] && position, count }
  const set = pageSet(pubsub, { items, summary })
  return el('pubsub', PUBSUB, null, answerItems(service, node, items), set)
}

/** XEP-0060 §6.5.9.2: who is subscribed and names a subscription has that one. */
function checkSubscription({ attrs: { subid } }: Element, { subscriptions }: PubsubNode): void {
  if (subid !== undefined && subscriptions.length > 0 && !subscriptions.some(one => one.subid === subid))
    throw new StanzaError('not-acceptable', 'You have no such subscription', because('invalid-subid'))
}

/** XEP-0060 §6.5.7 */
function maxItems(request: Element): number | undefined {
  const text = request.attrs['max_items']
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new StanzaError('bad-request', 'max_items is a whole number from 1')
  return Number(text)
}

/** Takes items away (XEP-0060 §7.2). */
export async function retract(asking: Asking): Promise<undefined> {
  const { service, request, from, after } = asking
  const name = nodeName(asking)
  const ids = request.childrenNamed('item').map(item => item.attrs['id'] ?? '')
  if (ids.length === 0 || ids.includes(''))
    throw new StanzaError('bad-request', 'The item is not named', because('item-required'))
  if (ids.length > IDS) throw new StanzaError('bad-request', 'Too many items at a time')
  const notify = ['1', 'true'].includes(request.attrs['notify'] ?? '')
  await change(asking, name, ids, ({ node, publishers }, standing) => {
    if (!node)
      throw standing.owns || !service.isPersonal ? nothing() : new StanzaError('forbidden', 'You may not publish here')
    const own = isOwner(node, from, standing)
    const publisher = node.affiliations.get(from.bare.text) === 'publisher'
    const mine = (id: string) => publisher && bareOf(publishers.get(id) ?? '') === from.bare.text
    if (!own && !ids.every(mine)) throw new StanzaError('forbidden', 'The item is of somebody else')
    checkKept(service, node)
    if (!ids.every(id => publishers.has(id))) throw new StanzaError('item-not-found', 'No such item')
    if (notify || option(service, node.config, 'notify_retract') === true)
      after(() => service.notify({ node, event: retracted(name, ids) }))
    return { retract: ids }
  })
  return undefined
}
