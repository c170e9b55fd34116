import { randomUUID } from 'node:crypto'
import { formField, formOf, NS, readSubmission, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Asked, Request } from '@xmpp/server-core'
import { oneByOne } from '../slices.ts'
import { PUBSUB } from './names.ts'
import { ask } from './requests.ts'
import type { PubsubService } from './service.ts'

export const COMMANDS = 'http://jabber.org/protocol/commands'
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
  const answer = (status: string, form?: Element) => el('command', COMMANDS, { node, sessionid, status }, form)
  if (action === 'cancel') return answer('canceled')
  const owned = await ownedNodes(service, from)
  const form = readSubmission(payload, AUTHORIZATION)
  const name = form?.value('pubsub#node')
  if (name === undefined) {
    const waiting = await service.store.pending(service.jid.text, owned, REQUESTS)
    const nodes = [...new Set(waiting.map(({ node }) => node))]
    const field = formField('pubsub#node', 'list-single', undefined, { options: nodes.map(value => ({ value })) })
    return answer('executing', formOf('form', AUTHORIZATION, { fields: [field] }).toElement())
  }
  if (!owned.includes(name)) {
    if (await service.store.node(service.jid.text, name, from.bare.text))
      throw new StanzaError('forbidden', 'Requests are for owners')
    throw new StanzaError('item-not-found', 'Nobody asks for that node')
  }
  const waiting = await service.store.pending(service.jid.text, [name], REQUESTS)
  after(() => oneByOne(waiting, request => ask(service, from, request)))
  return answer('completed')
}

async function ownedNodes(service: PubsubService, from: Request['from']): Promise<string[]> {
  const ownsAll = service.isPersonal && (await service.standing(from)).owns
  const all = await service.store[ownsAll ? 'nodes' : 'related'](service.jid.text, from.bare.text, service.limits.nodes)
  const nodes = ownsAll ? all : all.filter(({ affiliations }) => affiliations.get(from.bare.text) === 'owner')
  if (nodes.length === 0 && !ownsAll) throw new StanzaError('forbidden', 'You own nothing here')
  return nodes.map(({ node }) => node)
}

/** What service discovery says of the command, and of the list that it is in (XEP-0050 §2.2, §2.3). */
export function pendingInfo(): Element {
  return info('command-node', 'Pending subscriptions', [COMMANDS, NS.dataForms])
}

export function commandsInfo(): Element {
  return info('command-list', 'Commands', [COMMANDS])
}

function info(type: string, name: string, features: readonly string[]): Element {
  return el(
    'query',
    NS.discoInfo,
    null,
    el('identity', NS.discoInfo, { category: 'automation', type, name }),
    features.map(feature => el('feature', NS.discoInfo, { var: feature })),
  )
}
