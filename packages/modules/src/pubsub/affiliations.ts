import { readAddress, StanzaError } from '@parley/stanza'
import type { Affiliation, PubsubNode, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { changeOwned } from './change.ts'
import { bareOf, PUBSUB, PUBSUB_OWNER } from './names.ts'
import { settle } from './requests.ts'
import type { Asking } from './service.ts'
import { whole } from './subscriptions.ts'

const AFFILIATIONS: ReadonlySet<string> = new Set(['owner', 'publisher', 'publish-only', 'member', 'outcast', 'none'])
const READERS: ReadonlySet<string | undefined> = new Set(['owner', 'publisher', 'member'])
/** What an index of the store takes, with some room. */
const ADDRESS_BYTES = 1000

/** What the asker is at each node (XEP-0060 §5.7). */
export async function ownAffiliations({ service, from, request }: Asking): Promise<Element> {
  const name = request.attrs['node']
  const ownsAll = service.isPersonal && (await service.standing(from)).owns
  const all = await service.store[ownsAll ? 'nodes' : 'related'](service.jid.text, from.bare.text, service.limits.nodes)
  const mine = ({ affiliations }: PubsubNode) => (ownsAll ? 'owner' : affiliations.get(from.bare.text))
  const nodes = all.filter(node => mine(node) !== undefined && (name === undefined || node.node === name))
  const shown = nodes.map(node => el('affiliation', PUBSUB, { node: node.node, affiliation: mine(node) }))
  return el('pubsub', PUBSUB, null, el('affiliations', PUBSUB, { node: name }, shown))
}

/** Who is what at a node, for its owner (XEP-0060 §8.9.1). */
export async function allAffiliations(asking: Asking): Promise<Element> {
  const { node, owner, affiliations } = await whole(asking)
  const all = new Map<string, Affiliation>(affiliations)
  if (asking.service.isPersonal) all.set(owner, 'owner')
  const shown = [...all].map(([jid, affiliation]) => el('affiliation', PUBSUB_OWNER, { jid, affiliation }))
  return el('pubsub', PUBSUB_OWNER, null, el('affiliations', PUBSUB_OWNER, { node }, shown))
}

/** XEP-0060 §8.9.2, §8.7.4: who may not read any more is not subscribed any more, and who may now need not wait. */
export async function setAffiliations(asking: Asking): Promise<undefined> {
  const { service, request } = asking
  const wanted = new Map(request.childrenNamed('affiliation').map(affiliationOf))
  await changeOwned(asking, node => {
    if (wanted.has(node.owner)) throw new StanzaError('not-acceptable', 'The owner stays the owner')
    const all = new Set([...node.affiliations.keys(), ...wanted.keys()])
    if (all.size > service.limits.subscriptions) throw new StanzaError('resource-constraint', 'Too many affiliations')
    // XEP-0060 §8.9.2.4: nobody takes the last owner away.
    const left = new Map([...node.affiliations, ...wanted])
    if (!service.isPersonal && ![...left.values()].includes('owner'))
      throw new StanzaError('not-acceptable', 'A node needs an owner')
    const becomes = ({ jid }: PubsubSubscription) => wanted.get(bareOf(jid))
    const out = node.subscriptions.filter(one => becomes(one) === 'outcast')
    const waiting = node.subscriptions.filter(one => one.state === 'pending' && READERS.has(becomes(one)))
    return { affiliations: wanted, ...settle(asking, node, waiting, out) }
  })
  return undefined
}

function affiliationOf({ attrs }: Element): [string, Affiliation | 'none'] {
  const jid = readAddress(attrs['jid']).bare.text
  const affiliation = attrs['affiliation'] ?? ''
  if (!AFFILIATIONS.has(affiliation) || Buffer.byteLength(jid) > ADDRESS_BYTES)
    throw new StanzaError('not-acceptable', 'No such affiliation')
  return [jid, affiliation as Affiliation | 'none']
}
