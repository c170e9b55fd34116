import type { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { PubsubNode } from '@parley/store'
import { option } from './config.ts'
import { bareOf, because } from './names.ts'
import type { Asking, PubsubService, Standing } from './service.ts'
import { isCurrent } from './subscription-options.ts'

type Barrier = 'outcast' | 'presence' | 'group' | 'unsubscribed' | 'closed'

/** What keeps somebody from reading a node (XEP-0060 §4.5, §6.5.1), or nothing. Every way to an item asks this. */
export function barrier(service: PubsubService, node: PubsubNode, jid: Jid, standing: Standing): Barrier | undefined {
  const affiliation = node.affiliations.get(jid.bare.text)
  if (standing.owns || affiliation === 'owner') return undefined
  if (affiliation === 'outcast' || affiliation === 'publish-only') return 'outcast'
  if (affiliation !== undefined) return undefined
  switch (option(service, node.config, 'access_model')) {
    case 'open':
      return undefined
    case 'presence':
      return standing.watches ? undefined : 'presence'
    case 'roster': {
      const allowed = option(service, node.config, 'roster_groups_allowed') as readonly string[]
      return standing.watches && standing.groups.some(group => allowed.includes(group)) ? undefined : 'group'
    }
    case 'authorize':
      return isSubscribed(service, node, jid) ? undefined : 'unsubscribed'
    default:
      return 'closed'
  }
}

/** XEP-0060 §6.1.3, §6.5.9 */
export function refusal(barrier: Barrier): StanzaError {
  switch (barrier) {
    case 'outcast':
      return new StanzaError('forbidden', 'You may not read this node')
    case 'presence':
      return new StanzaError('not-authorized', 'Only for contacts', because('presence-subscription-required'))
    case 'group':
      return new StanzaError('not-authorized', 'Only for some contacts', because('not-in-roster-group'))
    case 'unsubscribed':
      return new StanzaError('not-authorized', 'Only for subscribers', because('not-subscribed'))
    case 'closed':
      return new StanzaError('not-allowed', 'Only for those on a list', because('closed-node'))
  }
}

/** @throws StanzaError where the asker may not read the node */
export function checkReader(service: PubsubService, node: PubsubNode, jid: Jid, standing: Standing): void {
  const found = barrier(service, node, jid, standing)
  if (found) throw refusal(found)
}

/** The node, where the asker may read it. */
export async function readable({ service, from }: Asking, name: string): Promise<PubsubNode> {
  const standing = await service.standing(from)
  const node = await service.store.node(service.jid.text, name, from.bare.text)
  if (!node) throw nothing()
  checkReader(service, node, from, standing)
  return node
}

/** XEP-0060 §7.1.3.1, §4.5.1 */
export function mayPublish(service: PubsubService, node: PubsubNode, jid: Jid, standing: Standing): boolean {
  const affiliation = node.affiliations.get(jid.bare.text)
  if (standing.owns) return true
  if (affiliation !== undefined) return affiliation !== 'outcast' && affiliation !== 'member'
  const model = option(service, node.config, 'publish_model')
  return model === 'open' || (model === 'subscribers' && isSubscribed(service, node, jid))
}

/** XEP-0060 §6.5.9.7, §7.2.3.5, §8.5.3.3. @throws StanzaError where the node keeps nothing */
export function checkKept(service: PubsubService, { config }: PubsubNode): void {
  if (option(service, config, 'persist_items') !== true)
    throw new StanzaError('feature-not-implemented', 'Items are not kept', because('unsupported', 'persistent-items'))
}

export function isOwner(node: PubsubNode, jid: Jid, { owns }: Standing): boolean {
  return owns || node.affiliations.get(jid.bare.text) === 'owner'
}

/** By whichever of its addresses: an owner lets people in, not their clients. */
function isSubscribed(service: PubsubService, { subscriptions }: PubsubNode, { bare }: Jid): boolean {
  const now = service.now()
  return subscriptions.some(one => one.state === 'subscribed' && bareOf(one.jid) === bare.text && isCurrent(one, now))
}

export function nothing(): StanzaError {
  return new StanzaError('item-not-found', 'No such node')
}
