import { Jid } from '@parley/jid'
import { DataForm, formField, formOf, type Message, NS, readAddress, StanzaError } from '@parley/stanza'
import type { PubsubChange, PubsubNode, PubsubRequest, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { type Awaitable, chain } from '@xmpp/server-core'
import { toAll } from '../slices.ts'
import { change, ownedBy } from './change.ts'
import { option } from './config.ts'
import { PUBSUB, PUBSUB_EVENT } from './names.ts'
import type { Asking, PubsubService } from './service.ts'

const AUTHORIZATION = `${PUBSUB}#subscribe_authorization`
/** Owners that are asked: whoever names many strangers as owners does not have mail sent to all of them. */
const ASKED = 10

/** Asks the owners whether somebody may subscribe (XEP-0060 §8.6). */
export function askOwners(service: PubsubService, node: PubsubNode, request: PubsubSubscription): Awaitable<void> {
  const named = [...node.affiliations].filter(([, affiliation]) => affiliation === 'owner').map(([jid]) => jid)
  const owners = service.isPersonal ? [service.jid.text, ...named] : named
  const { jid, subid } = request
  return toAll(owners.slice(0, ASKED), owner => ask(service, Jid.parse(owner), { node: node.node, jid, subid }))
}

/** One request as a form that `to` fills in. */
export function ask(service: PubsubService, to: Jid, { node, jid, subid }: PubsubRequest): Awaitable<void> {
  const form = formOf('form', AUTHORIZATION, {
    title: 'Somebody wants to subscribe',
    fields: [
      formField('pubsub#subid', 'hidden', subid),
      formField('pubsub#node', 'text-single', node, { label: 'Node' }),
      formField('pubsub#subscriber_jid', 'jid-single', jid, { label: 'Subscriber' }),
      formField('pubsub#allow', 'boolean', false, { label: 'Allow' }),
    ],
  })
  return service.send(to, [form.toElement()], subid)
}

/** The form by which somebody allows or denies a request, in a message to the service; undefined: the message is something else. */
export function authorizationIn({ type, children }: Message): DataForm | undefined {
  if (type !== 'normal') return undefined
  for (const child of children) {
    if (typeof child === 'string' || child.ns !== NS.dataForms || child.name !== 'x') continue
    const kind = child.childrenNamed('field').find(({ attrs }) => attrs['var'] === 'FORM_TYPE')
    if (kind?.child('value')?.text() !== AUTHORIZATION || child.attrs['type'] === 'form') return undefined
    return DataForm.read(child)
  }
  return undefined
}

/** An owner allows or denies a request (XEP-0060 §8.6); again is as well as once. */
export async function decideRequest(service: PubsubService, from: Jid, form: DataForm): Promise<void> {
  if (form.type === 'cancel') return
  const name = form.value('pubsub#node')
  const allow = form.flag('pubsub#allow')
  if (!name || allow === undefined) throw new StanzaError('bad-request', 'The form says neither yes nor no')
  const jid = readAddress(form.value('pubsub#subscriber_jid')).text
  const subid = form.value('pubsub#subid')
  const later: (() => Awaitable<void>)[] = []
  const after = (task: () => Awaitable<void>) => void later.push(task)
  await change({ service, from }, name, [], ({ node }, standing) => {
    const owned = ownedBy({ service, from }, node, standing)
    // What was asked before and taken back is another request.
    const found = owned.subscriptions.find(one => one.jid === jid && (!subid || one.subid === subid))
    if (!found && allow) throw new StanzaError('item-not-found', 'Nobody waits for that')
    if (found?.state !== 'pending') return {}
    return settle({ service, after }, owned, allow ? [found] : [], allow ? [] : [found])
  })
  for (const task of later) await task()
}

/** Lets some in and ends the subscriptions of others; all of them hear of it (XEP-0060 §12.12). */
export function settle(
  { service, after }: Pick<Asking, 'service' | 'after'>,
  node: PubsubNode,
  waiting: readonly PubsubSubscription[],
  ended: readonly PubsubSubscription[],
): PubsubChange {
  const granted = waiting.map(one => ({ ...one, state: 'subscribed' as const }))
  const showsLast = option(service, node.config, 'send_last_published_item') !== 'never'
  after(() =>
    chain(
      toAll(granted, one =>
        chain(tellState(service, node, one, 'subscribed'), () =>
          showsLast ? service.tellLast({ ...node, subscriptions: [one] }, Jid.parse(one.jid)) : undefined,
        ),
      ),
      () => toAll(ended, one => tellState(service, node, one, 'none')),
    ),
  )
  return { subscribe: granted, unsubscribe: ended.map(({ jid }) => jid) }
}

/** Tells a subscriber how it stands now. */
export function tellState(
  service: PubsubService,
  { node }: PubsubNode,
  { jid, subid }: PubsubSubscription,
  state: 'subscribed' | 'none',
): Awaitable<void> {
  const subscription: Element = el('subscription', PUBSUB_EVENT, { node, jid, subid, subscription: state })
  return service.send(Jid.parse(jid), [el('event', PUBSUB_EVENT, null, subscription)])
}
