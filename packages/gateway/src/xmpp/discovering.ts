import type { Feature } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type IqRoute, iqGet, iqSet, type Request } from '@xmpp/server-core'
import type { Commands } from './commands.ts'
import { MUC, PING } from './namespaces.ts'
import type { Network } from './network.ts'
import { REGISTER } from './registering.ts'
import type { Rooms } from './rooms.ts'

const GATEWAY = 'jabber:iq:gateway'
export const SEARCH = 'jabber:iq:search'
/** Features of contacts, where the network has what they are for. */
const CONTACT: readonly (readonly [Feature, string])[] = [
  ['typing', 'http://jabber.org/protocol/chatstates'],
  ['receipts', 'urn:xmpp:receipts'],
  ['read', 'urn:xmpp:chat-markers:0'],
  ['edit', 'urn:xmpp:message-correct:0'],
  ['retract', 'urn:xmpp:message-retract:1'],
  ['reaction', 'urn:xmpp:reactions:0'],
  ['reply', 'urn:xmpp:reply:0'],
  ['attention', 'urn:xmpp:attention:0'],
]

/** What a network and those who are there say of themselves (XEP-0030), and the way to their addresses (XEP-0100 §6). */
export function discovering(net: Network, commands: Commands, rooms: Rooms): IqRoute[] {
  const info = (node: string | undefined, category: string, type: string, name: string, features: readonly string[]) =>
    el(
      'query',
      NS.discoInfo,
      { node },
      el('identity', NS.discoInfo, { category, type, name }),
      features.map(feature => el('feature', NS.discoInfo, { var: feature })),
    )

  const hasRooms = () => net.provider.rooms && net.can('rooms', 'out')

  async function ownInfo(request: Request): Promise<Element> {
    const node = request.payload.attrs['node']
    if (node !== undefined) return commands.info(node)
    const features = [NS.discoInfo, NS.discoItems, NS.commands, PING, GATEWAY, 'jid\\20escaping']
    if (!net.federated) features.push(REGISTER)
    if (net.can('search', 'out')) features.push(SEARCH)
    if (hasRooms()) features.push(MUC)
    return info(undefined, 'gateway', net.adapter.id, net.title, features)
  }

  async function ownItems(request: Request): Promise<Element> {
    const node = request.payload.attrs['node']
    if (node === NS.commands) return commands.list(request)
    const found = node === undefined && hasRooms() ? await rooms.list(request.from) : []
    return el('query', NS.discoItems, { node }, found)
  }

  /** Whoever has an address there: what can be done with them. */
  async function contactInfo(request: Request): Promise<Element> {
    const node = request.payload.attrs['node']
    if (node !== undefined) throw new StanzaError('item-not-found', 'Nobody there has nodes')
    const id = idOf(request.to)
    if (rooms.knows(request.from.bare, id))
      return info(undefined, 'conference', 'text', id, [
        NS.discoInfo,
        MUC,
        'muc_nonanonymous',
        'muc_open',
        'muc_public',
      ])
    const features = CONTACT.filter(([feature]) => net.can(feature, 'out')).map(([, feature]) => feature)
    if (net.can('profile', 'out')) features.push(NS.vcard)
    return info(undefined, 'client', 'pc', net.title, [NS.discoInfo, NS.discoItems, PING, ...features])
  }

  function idOf(to: Jid): string {
    const id = net.addresses.idOf(to)
    if (id === undefined) throw new StanzaError('item-not-found', 'This network has no such address')
    return id
  }

  function prompt(): Element {
    return el(
      'query',
      GATEWAY,
      null,
      el('desc', GATEWAY, null, `Enter the address that somebody has in ${net.title}.`),
      el('prompt', GATEWAY, null, 'Contact ID'),
    )
  }

  function address({ payload }: Request): Element {
    const typed = payload.textOf('prompt')?.trim() ?? ''
    const jid = net.addresses.typed(typed)
    if (!jid) throw new StanzaError('item-not-found', 'Nobody can have that address there')
    return el('query', GATEWAY, null, el('jid', GATEWAY, null, jid.text), el('prompt', GATEWAY, null, jid.text))
  }

  return [
    iqGet('host', NS.discoInfo, 'query', ownInfo),
    iqGet('host', NS.discoItems, 'query', ownItems),
    iqGet('host', PING, 'ping', () => undefined),
    iqGet('host', GATEWAY, 'query', prompt),
    iqSet('host', GATEWAY, 'query', address),
    iqGet('account', NS.discoInfo, 'query', contactInfo),
    iqGet('account', NS.discoItems, 'query', ({ payload }) =>
      el('query', NS.discoItems, { node: payload.attrs['node'] }),
    ),
    iqGet('account', PING, 'ping', () => undefined),
  ]
}
