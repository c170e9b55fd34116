import { randomBytes } from 'node:crypto'
import { Jid } from '@parley/jid'
import { Body, delay, Message } from '@parley/stanza'
import type { PubsubItem, PubsubNode, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { type Awaitable, type Context, chain } from '@xmpp/server-core'
import { toAll } from '../slices.ts'
import { keepOf } from './config.ts'
import { messageOf, published } from './events.ts'
import { bareOf } from './names.ts'
import type { PubsubService } from './service.ts'
import { isListening, showsOf } from './subscription-options.ts'

const SHIM = 'http://jabber.org/protocol/shim'

export interface Audience extends Pick<Context, 'live' | 'route'> {
  /** Looked at again for every message: access may have ended since (threat 106). The node has that subscription alone. */
  mayHear(service: PubsubService, node: PubsubNode, jid: Jid): Awaitable<boolean>
  nextId(): string
}

/** Ids of messages; other processes send to the same people. */
export function messageIds(prefix: string): () => string {
  const origin = randomBytes(4).toString('hex')
  let count = 0
  return () => `${prefix}-${origin}-${(++count).toString(36)}`
}

/** One message of the service. */
export function send(
  { route, nextId }: Audience,
  from: Jid,
  to: Jid,
  children: readonly Element[],
  id = nextId(),
): Awaitable<void> {
  return route(new Message({ type: 'normal', from, to, id }, Body.of(children)))
}

/** Tells one address of an item that was published before, where it may hear of it. */
export async function tell(
  audience: Audience,
  service: PubsubService,
  node: PubsubNode,
  item: PubsubItem,
  to: Jid,
): Promise<void> {
  if (item.published <= keepOf(service, node.config).since || !(await audience.mayHear(service, node, to))) return
  const when = delay(service.jid, item.published)
  await audience.route(messageOf(service, node, audience.nextId(), published(service, node, item), when).addressed(to))
}

/** XEP-0060 §6.1.7 */
export async function tellLast(audience: Audience, service: PubsubService, node: PubsubNode, to: Jid): Promise<void> {
  const found = await service.store.items(service.jid.text, node.node, { limit: 1, chars: 1 })
  const item = found?.items[0]
  if (item) await tell(audience, service, node, item, to)
}

/**
 * Brings news to those who subscribed by name, listen and still may (XEP-0060 §12.2); not to the addresses in `heard`.
 * `isOfItems`: what is told differs by subscription (§12.14).
 */
export function toSubscribers(
  audience: Audience,
  service: PubsubService,
  node: PubsubNode,
  message: Message,
  isOfItems: boolean,
  heard?: ReadonlySet<string>,
): Awaitable<void> {
  const now = service.now()
  const all = node.subscriptions.filter(one => isListening(one, now) && !heard?.has(one.jid))
  const several = isOfItems ? subscribedTwice(all) : undefined
  return toAll(all, one => {
    const jid = Jid.parse(one.jid)
    return chain(audience.mayHear(service, { ...node, subscriptions: [one] }, jid), may =>
      may ? deliver(audience, jid, one, several?.has(bareOf(one.jid)) ? marked(message, one) : message) : undefined,
    )
  })
}

function deliver({ live, route }: Audience, jid: Jid, { options }: PubsubSubscription, message: Message) {
  const shows = showsOf(options)
  if (!shows) return route(message.addressed(jid))
  return chain(live.sessions(jid.bare), entries => {
    const showing = entries.filter(entry => {
      if (!entry.presence || !(jid.isBare || entry.jid.equals(jid))) return false
      return shows.includes(entry.presence.show || 'online')
    })
    return toAll(showing, entry => route(message.addressed(entry.jid)))
  })
}

/** Whoever has several subscriptions is told which one it is (XEP-0060 §7.1.2.3, XEP-0131). */
function marked(message: Message, { subid }: PubsubSubscription): Message {
  return message.withBody(message.body.plus(el('headers', SHIM, null, el('header', SHIM, { name: 'SubID' }, subid))))
}

function subscribedTwice(all: readonly PubsubSubscription[]): ReadonlySet<string> {
  const [once, twice] = [new Set<string>(), new Set<string>()]
  for (const { jid } of all) {
    const bare = bareOf(jid)
    if (once.has(bare)) twice.add(bare)
    else once.add(bare)
  }
  return twice
}
