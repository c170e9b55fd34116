import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { readAddress, StanzaError } from '@parley/stanza'
import type { PubsubNode, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { checkReader, nothing } from './access.ts'
import { change, changeOwned, nodeName } from './change.ts'
import { option } from './config.ts'
import { because, PUBSUB, PUBSUB_OWNER } from './names.ts'
import type { Asking } from './service.ts'

/** What an index of the store takes, with some room. */
const ADDRESS_BYTES = 1000

/** Subscribes an address to a node (XEP-0060 §6.1); again is as well as once. */
export async function subscribe(asking: Asking): Promise<Element> {
  const { service, from, after } = asking
  const jid = subscriber(asking)
  let found: PubsubSubscription | undefined
  const name = nodeName(asking)
  await change(asking, name, [], ({ node }, standing) => {
    if (!node) throw nothing()
    checkReader(service, node, from, standing)
    found = node.subscriptions.find(one => one.jid === jid.text)
    if (found) return {}
    if (node.subscriptions.length >= service.limits.subscriptions)
      throw new StanzaError('policy-violation', 'Too many subscriptions', because('too-many-subscriptions'))
    found = { jid: jid.text, subid: randomUUID(), state: 'subscribed', options: {} }
    // XEP-0060 §6.1.7
    if (option(service, node.config, 'send_last_published_item') !== 'never') after(() => service.tellLast(node, jid))
    return { subscribe: [found] }
  })
  return el('pubsub', PUBSUB, null, shown(name, found!, PUBSUB))
}

/** XEP-0060 §6.2 */
export async function unsubscribe(asking: Asking): Promise<undefined> {
  const jid = subscriber(asking)
  const subid = asking.request.attrs['subid']
  await change(asking, nodeName(asking), [], ({ node }) => {
    if (!node) throw nothing()
    const found = node.subscriptions.find(one => one.jid === jid.text)
    if (!found) throw new StanzaError('unexpected-request', 'There is no such subscription', NOT_SUBSCRIBED)
    if (subid !== undefined && subid !== found.subid)
      throw new StanzaError('not-acceptable', 'The subscription has another id', because('invalid-subid'))
    return { unsubscribe: [jid.text] }
  })
  return undefined
}

const NOT_SUBSCRIBED = { type: 'cancel', ...because('not-subscribed') } as const

/** XEP-0060 §6.1.3.1: nobody subscribes anybody else. */
function subscriber({ request, from }: Asking): Jid {
  const jid = readAddress(request.attrs['jid'])
  if (Buffer.byteLength(jid.text) > ADDRESS_BYTES)
    throw new StanzaError('not-acceptable', 'The address is too long to subscribe')
  if (jid.bare.equals(from.bare)) return jid
  throw new StanzaError('bad-request', 'Subscribe yourself only', because('invalid-jid'))
}

/** What the asker is subscribed to (XEP-0060 §5.6). */
export async function ownSubscriptions({ service, from, request }: Asking): Promise<Element> {
  const name = request.attrs['node']
  const all = await service.store.nodes(service.jid.text, from.bare.text, service.limits.nodes)
  const nodes = name === undefined ? all : all.filter(({ node }) => node === name)
  return el(
    'pubsub',
    PUBSUB,
    null,
    el(
      'subscriptions',
      PUBSUB,
      { node: name },
      nodes.flatMap(({ node, subscriptions }) => subscriptions.map(one => shown(node, one, PUBSUB))),
    ),
  )
}

/** Everybody who is subscribed, for the owner (XEP-0060 §8.8.1). */
export async function allSubscriptions(asking: Asking): Promise<Element> {
  const { node, subscriptions } = await whole(asking)
  return el(
    'pubsub',
    PUBSUB_OWNER,
    null,
    el(
      'subscriptions',
      PUBSUB_OWNER,
      { node },
      subscriptions.map(one => shown(undefined, one, PUBSUB_OWNER)),
    ),
  )
}

/** The owner ends subscriptions (XEP-0060 §8.8.2); nobody is subscribed by somebody else. */
export async function endSubscriptions(asking: Asking): Promise<undefined> {
  const changes = asking.request.childrenNamed('subscription')
  if (changes.some(one => one.attrs['subscription'] !== 'none'))
    throw new StanzaError('not-acceptable', 'A subscription can only be ended')
  const unsubscribe = changes.map(one => readAddress(one.attrs['jid']).text)
  await changeOwned(asking, () => ({ unsubscribe }))
  return undefined
}

/** A node with all who have to do with it. */
export async function whole(asking: Asking): Promise<PubsubNode> {
  return changeOwned(asking, () => ({}))
}

function shown(node: string | undefined, { jid, subid, state }: PubsubSubscription, ns: string): Element {
  return el('subscription', ns, { node, jid, subid, subscription: state })
}
