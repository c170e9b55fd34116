import { randomUUID } from 'node:crypto'
import { formField, formOf, readSubmission, StanzaError } from '@parley/stanza'
import type { Element } from '@parley/xml'
import type { Asked, Request } from '@xmpp/server-core'
import { commandAnswer, commandInfo } from '../command-elements.ts'
import { oneByOne } from '../slices.ts'
import { PUBSUB } from './names.ts'
import { ask } from './requests.ts'
import type { PubsubService } from './service.ts'

export const GET_PENDING = `${PUBSUB}#get-pending`
const AUTHORIZATION = `${PUBSUB}#subscribe_authorization`
/** Requests in one answer. */
const REQUESTS = 1000

/** The ad-hoc command by which owners are asked again what they have not answered (XEP-0060 §8.7). */
export async function getPending(
  service: PubsubService,
  { from, payload }: Request,
  { after }: Asked,
): Promise<Element> {
  const { node, action = 'execute', sessionid = randomUUID() } = payload.attrs
  if (node !== GET_PENDING) throw new StanzaError('item-not-found', 'The only command here is another one')
  if (action === 'cancel') return commandAnswer(node, sessionid, 'canceled')
  const owned = await ownedNodes(service, from)
  const form = readSubmission(payload, AUTHORIZATION)
  const name = form?.value('pubsub#node')
  if (name === undefined) {
    const waiting = await service.store.pending(service.jid.text, owned, REQUESTS)
    const nodes = [...new Set(waiting.map(({ node }) => node))]
    const field = formField('pubsub#node', 'list-single', undefined, { options: nodes.map(value => ({ value })) })
    const asked = formOf('form', AUTHORIZATION, { fields: [field] })
    return commandAnswer(node, sessionid, 'executing', asked.toElement())
  }
  if (!owned.includes(name)) {
    if (await service.store.node(service.jid.text, name, from.bare.text))
      throw new StanzaError('forbidden', 'Requests are for owners')
    throw new StanzaError('item-not-found', 'Nobody asks for that node')
  }
  const waiting = await service.store.pending(service.jid.text, [name], REQUESTS)
  after(() => oneByOne(waiting, request => ask(service, from, request)))
  return commandAnswer(node, sessionid, 'completed')
}

async function ownedNodes(service: PubsubService, from: Request['from']): Promise<string[]> {
  const ownsAll = service.isPersonal && (await service.standing(from)).owns
  const all = await service.store[ownsAll ? 'nodes' : 'related'](service.jid.text, from.bare.text, service.limits.nodes)
  const nodes = ownsAll ? all : all.filter(({ affiliations }) => affiliations.get(from.bare.text) === 'owner')
  if (nodes.length === 0 && !ownsAll) throw new StanzaError('forbidden', 'You own nothing here')
  return nodes.map(({ node }) => node)
}

/** What service discovery says of the command. */
export function pendingInfo(): Element {
  return commandInfo('Pending subscriptions')
}
