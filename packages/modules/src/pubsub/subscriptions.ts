import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { readAddress, readSubmission, StanzaError } from '@parley/stanza'
import type { PubsubNode, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { barrier, nothing, refusal } from './access.ts'
import { change, changeOwned, nodeName } from './change.ts'
import { option } from './config.ts'
import { bareOf, because, PUBSUB, PUBSUB_OWNER } from './names.ts'
import { changePartly } from './partly.ts'
import { askOwners, settle } from './requests.ts'
import type { Asking } from './service.ts'
import { isCurrent, optionsForm, readOptions, SUBSCRIBE_OPTIONS } from './subscription-options.ts'

/** What an index of the store takes, with some room. */
const ADDRESS_BYTES = 1000

/** Subscribes an address to a node (XEP-0060 §6.1); again is as well as once. */
export async function subscribe(asking: Asking): Promise<Element> {
  const { service, from, after, pubsub } = asking
  const jid = subscriber(asking)
  const name = nodeName(asking)
  const given = optionsBeside(pubsub)
  const now = service.now()
  let done: PubsubSubscription | undefined
  await change(asking, name, [], ({ node }, standing) => {
    if (!node) throw nothing()
    const found = barrier(service, node, from, standing)
    if (found && found !== 'unsubscribed') throw refusal(found)
    const current = node.subscriptions.filter(one => isCurrent(one, now))
    const before = current.find(one => one.jid === jid.text)
    const options = given ? readOptions(given, before?.options ?? {}, now, service.sees(jid)) : (before?.options ?? {})
    if (before?.state === 'subscribed') {
      done = { ...before, options }
      return given ? { subscribe: [done] } : {}
    }
    if (found && current.some(one => bareOf(one.jid) === from.bare.text))
      throw new StanzaError('not-authorized', 'An owner will answer', because('pending-subscription'))
    if (!before && current.length >= service.limits.subscriptions)
      throw new StanzaError('policy-violation', 'Too many subscriptions', because('too-many-subscriptions'))
    // Owners are not to be flooded (threat 105).
    if (found && !service.mayAsk(from)) throw new StanzaError('resource-constraint', 'You ask too often')
    const subid = before?.subid ?? randomUUID()
    const one: PubsubSubscription = { jid: jid.text, subid, state: found ? 'pending' : 'subscribed', options }
    done = one
    // XEP-0060 §6.1.4, §6.1.7
    if (found) after(() => askOwners(service, node, one))
    else if (option(service, node.config, 'send_last_published_item') !== 'never')
      after(() => service.tellLast({ ...node, subscriptions: [one] }, jid))
    const over = node.subscriptions.filter(one => !isCurrent(one, now))
    return { unsubscribe: over.map(({ jid }) => jid), subscribe: [one] }
  })
  const options = given && el('options', PUBSUB, null, optionsForm(done!.options, 'result').toElement())
  return el('pubsub', PUBSUB, null, shown(name, done!, PUBSUB), options)
}

/** XEP-0060 §6.3.7: options that come with the subscription say of themselves neither node nor address. */
function optionsBeside(pubsub: Element) {
  const options = pubsub.child('options')
  if (!options) return undefined
  if (options.attrs['node'] !== undefined || options.attrs['jid'] !== undefined)
    throw new StanzaError('bad-request', 'Options of a new subscription name nothing')
  const form = readSubmission(options, SUBSCRIBE_OPTIONS)
  return form?.type === 'submit' ? form : undefined
}

/** XEP-0060 §6.2 */
export async function unsubscribe(asking: Asking): Promise<undefined> {
  const { request, from } = asking
  const jid = readAddress(request.attrs['jid'])
  const subid = request.attrs['subid']
  // XEP-0060 §6.2.3.3
  if (!jid.bare.equals(from.bare)) throw new StanzaError('forbidden', 'Unsubscribe yourself only')
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

export const NOT_SUBSCRIBED = { type: 'cancel', ...because('not-subscribed') } as const

/** XEP-0060 §6.1.3.1: nobody subscribes anybody else. */
function subscriber({ request, from }: Asking): Jid {
  const jid = readAddress(request.attrs['jid'])
  if (Buffer.byteLength(jid.text) > ADDRESS_BYTES)
    throw new StanzaError('not-acceptable', 'The address is too long to subscribe')
  if (jid.bare.equals(from.bare)) return jid
  throw new StanzaError('bad-request', 'Subscribe yourself only', because('invalid-jid'))
}

/** XEP-0060 §6.3.4: whose options are meant. */
export function subscriberOf({ request, from }: Asking): Jid {
  const { jid: text } = request.attrs
  if (!text) throw new StanzaError('bad-request', 'The subscriber is not named', because('jid-required'))
  const jid = readAddress(text)
  if (jid.bare.equals(from.bare)) return jid
  throw new StanzaError('forbidden', 'Options are for the subscriber')
}

/** What the asker is subscribed to (XEP-0060 §5.6). */
export async function ownSubscriptions({ service, from, request }: Asking): Promise<Element> {
  const name = request.attrs['node']
  const all = await service.store.related(service.jid.text, from.bare.text, service.limits.nodes)
  const nodes = name === undefined ? all : all.filter(({ node }) => node === name)
  const now = service.now()
  const found = nodes.flatMap(({ node, subscriptions }) =>
    subscriptions.filter(one => isCurrent(one, now)).map(one => shown(node, one, PUBSUB)),
  )
  return el('pubsub', PUBSUB, null, el('subscriptions', PUBSUB, { node: name }, found))
}

/** Everybody who is subscribed, for the owner (XEP-0060 §8.8.1); who waits to be let in is not. */
export async function allSubscriptions(asking: Asking): Promise<Element> {
  const { node, subscriptions } = await whole(asking)
  const now = asking.service.now()
  const current = subscriptions
    .filter(one => one.state === 'subscribed' && isCurrent(one, now))
    .map(one => shown(undefined, one, PUBSUB_OWNER))
  return el('pubsub', PUBSUB_OWNER, null, el('subscriptions', PUBSUB_OWNER, { node }, current))
}

/** The owner ends subscriptions, and lets in who waits (XEP-0060 §8.8.2); nobody is subscribed by somebody else. */
export async function changeSubscriptions(asking: Asking): Promise<undefined> {
  const { service, request } = asking
  const wanted = new Map(
    request.childrenNamed('subscription').map(({ attrs }) => [readAddress(attrs['jid']).text, attrs['subscription']]),
  )
  return changePartly(asking, (node, after) => {
    const all = new Map(node.subscriptions.map(one => [one.jid, one]))
    const granted: PubsubSubscription[] = []
    const ended: PubsubSubscription[] = []
    const left: Element[] = []
    for (const [jid, state] of wanted) {
      const one = all.get(jid)
      if (state === undefined || state === (one?.state ?? 'none')) continue
      if (one && state === 'none') ended.push(one)
      else if (one && state === 'subscribed') granted.push(one)
      else left.push(shown(undefined, one ?? { jid, subid: undefined, state: 'none' }, PUBSUB_OWNER))
    }
    const change = settle({ service, after }, node, granted, ended)
    return { change, left, why: 'A subscription can only be ended, or granted to who asks' }
  })
}

/** A node with all who have to do with it. */
export async function whole(asking: Asking): Promise<PubsubNode> {
  return changeOwned(asking, () => ({}))
}

interface Shown {
  readonly jid: string
  readonly subid: string | undefined
  readonly state: string
}

function shown(node: string | undefined, { jid, subid, state }: Shown, ns: string): Element {
  return el('subscription', ns, { node, jid, subid, subscription: state })
}
