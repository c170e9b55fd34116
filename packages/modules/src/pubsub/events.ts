import { Body, Message, NS } from '@parley/stanza'
import type { PubsubItem, PubsubNode, PubsubOptions } from '@parley/store'
import { type Element, el, parseElement } from '@parley/xml'
import { configForm, option } from './config.ts'
import { PUBSUB, PUBSUB_EVENT } from './names.ts'
import type { PubsubService } from './service.ts'

/** What was let in once is read again, though escaping has made it longer. */
const NO_LIMITS = {
  maxStanzaBytes: Number.POSITIVE_INFINITY,
  maxDepth: Number.POSITIVE_INFINITY,
  maxElements: Number.POSITIVE_INFINITY,
  maxAttributes: Number.POSITIVE_INFINITY,
}

/** The payload of an item that has one. */
export function payloadOf({ payload }: PubsubItem): Element {
  return parseElement(payload, NO_LIMITS)
}

/** An item as it is sent, in answers (`PUBSUB`) and notifications (`PUBSUB_EVENT`). */
export function itemElement(ns: string, item: PubsubItem, publisher?: string): Element {
  return el('item', ns, { id: item.id, publisher }, item.payload === '' ? undefined : payloadOf(item))
}

/** XEP-0060 §7.1.2.3: who asks hears of publishers where notifications name them. */
export function answerItems(
  service: PubsubService,
  { node, config }: PubsubNode,
  items: readonly PubsubItem[],
): Element {
  const named = namesPublisher(service, config)
  const shown = items.map(item => itemElement(PUBSUB, item, named ? item.publisher : undefined))
  return el('items', PUBSUB, { node }, shown)
}

/** XEP-0060 §12.17: answers to an item are for who published it. */
function namesPublisher(service: PubsubService, config: PubsubOptions): boolean {
  return option(service, config, 'itemreply') === 'publisher'
}

/** XEP-0060 §7.1.2: with the payload, where the node wants that; with its publisher, where answers are for that one. */
export function published(service: PubsubService, node: PubsubNode, item: PubsubItem, payload?: Element): Element {
  const publisher = namesPublisher(service, node.config) ? item.publisher : undefined
  const whole = option(service, node.config, 'deliver_payloads') === true
  const shown = whole
    ? payload
      ? el('item', PUBSUB_EVENT, { id: item.id, publisher }, payload)
      : itemElement(PUBSUB_EVENT, item, publisher)
    : el('item', PUBSUB_EVENT, { id: item.id, publisher })
  return el('items', PUBSUB_EVENT, { node: node.node }, shown)
}

/** XEP-0060 §7.1.2: a node that keeps nothing and tells nothing of what it is told. */
export function triggered(node: string): Element {
  return el('items', PUBSUB_EVENT, { node })
}

/** XEP-0060 §7.2.2.1 */
export function retracted(node: string, ids: readonly string[]): Element {
  return el(
    'items',
    PUBSUB_EVENT,
    { node },
    ids.map(id => el('retract', PUBSUB_EVENT, { id })),
  )
}

/** XEP-0060 §8.2.5.3: what a node is like from now on, where that is told. */
export function configured(service: PubsubService, node: string, config: PubsubOptions): Element | undefined {
  if (option(service, config, 'notify_config') !== true) return undefined
  const whole = option(service, config, 'deliver_payloads') === true
  const shown = whole ? configForm(service, config, 'result').toElement() : undefined
  return el('configuration', PUBSUB_EVENT, { node }, shown)
}

/** A notification without an address: all copies share its body, which is written once. */
export function messageOf(
  service: PubsubService,
  { config }: PubsubNode,
  id: string,
  event: Element,
  ...more: readonly Element[]
): Message {
  const type = option(service, config, 'notification_type') === 'normal' ? 'normal' : 'headline'
  // XEP-0060 §12.6: news that nobody was there for are not kept.
  const hints = type === 'normal' ? [el('no-store', NS.hints)] : []
  const body = Body.of([el('event', PUBSUB_EVENT, null, event), ...more, ...hints])
  return new Message({ type, from: service.jid, id }, body)
}
