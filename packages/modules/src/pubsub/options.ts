import { readSubmission, StanzaError } from '@parley/stanza'
import type { PubsubNode, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { nothing, readable } from './access.ts'
import { change, nodeName } from './change.ts'
import { because, PUBSUB } from './names.ts'
import type { Asking } from './service.ts'
import { isCurrent, optionsForm, readOptions, SUBSCRIBE_OPTIONS } from './subscription-options.ts'
import { NOT_SUBSCRIBED, subscriberOf } from './subscriptions.ts'

/** What a subscription is like, to be filled in (XEP-0060 §6.3.2). */
export async function getOptions(asking: Asking): Promise<Element> {
  const { service, from } = asking
  const [name, jid] = [nodeName(asking), subscriberOf(asking)]
  const { options } = found(asking, await service.store.node(service.jid.text, name, from.bare.text))
  const form = optionsForm(options, 'form').toElement()
  return el('pubsub', PUBSUB, null, el('options', PUBSUB, { node: name, jid: jid.text }, form))
}

/** XEP-0060 §6.3.5 */
export async function setOptions(asking: Asking): Promise<undefined> {
  const { service, request } = asking
  const jid = subscriberOf(asking)
  const form = readSubmission(request, SUBSCRIBE_OPTIONS)
  if (!form) throw new StanzaError('bad-request', 'Options are a form', because('invalid-options'))
  await change(asking, nodeName(asking), [], ({ node }) => {
    const one = found(asking, node)
    if (form.type === 'cancel') return {}
    return { subscribe: [{ ...one, options: readOptions(form, one.options, service.now(), service.sees(jid)) }] }
  })
  return undefined
}

/** What new subscriptions are like (XEP-0060 §6.4), of a node or everywhere. */
export async function getDefaultOptions(asking: Asking): Promise<Element> {
  const name = asking.request.attrs['node']
  if (name) await readable(asking, name)
  const form = optionsForm({}, 'result').toElement()
  return el('pubsub', PUBSUB, null, el('default', PUBSUB, { node: name }, form))
}

function found(asking: Asking, node: PubsubNode | undefined): PubsubSubscription {
  if (!node) throw nothing()
  const { subid } = asking.request.attrs
  const jid = subscriberOf(asking)
  const one = node.subscriptions.find(one => one.jid === jid.text && isCurrent(one, asking.service.now()))
  if (!one) throw new StanzaError('unexpected-request', 'Nobody is subscribed so', NOT_SUBSCRIBED)
  if (subid !== undefined && subid !== one.subid)
    throw new StanzaError('not-acceptable', 'Options of another subscription', because('invalid-subid'))
  return one
}
