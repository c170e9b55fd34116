import { readAddress, StanzaError } from '@parley/stanza'
import type { Affiliation, PubsubNode, PubsubSubscription } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { bareOf, PUBSUB, PUBSUB_OWNER } from './names.ts'
import { changePartly } from './partly.ts'
import { settle } from './requests.ts'
import type { Asking, PubsubService } from './service.ts'
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
  const named = request.childrenNamed('affiliation').map(({ attrs }): [string, string | undefined] => {
    return [readAddress(attrs['jid']).bare.text, attrs['affiliation']]
  })
  const wanted = new Map(named.filter((entry): entry is [string, string] => entry[1] !== undefined))
  if (new Map(named).size < named.length) throw new StanzaError('bad-request', 'Somebody is named twice')
  return changePartly(asking, (node, after) => {
    const refused = refusals(service, node, wanted)
    const becomes = new Map([...wanted].filter(([jid]) => jid !== node.owner && !refused.has(jid)))
    const isNow = (jid: string) => (jid === node.owner ? 'owner' : (node.affiliations.get(jid) ?? 'none'))
    const left = [...refused.keys()].map(jid => el('affiliation', PUBSUB_OWNER, { jid, affiliation: isNow(jid) }))
    const made = ({ jid }: PubsubSubscription) => becomes.get(bareOf(jid))
    const out = node.subscriptions.filter(one => made(one) === 'outcast')
    const waiting = node.subscriptions.filter(one => one.state === 'pending' && READERS.has(made(one)))
    const affiliations = becomes as Map<string, Affiliation | 'none'>
    const change = { affiliations, ...settle({ service, after }, node, waiting, out) }
    return { change, left, why: [...refused.values()][0] ?? '' }
  })
}

/** Whose affiliation cannot be as it is wanted, and why. */
function refusals({ isPersonal, limits }: PubsubService, node: PubsubNode, wanted: ReadonlyMap<string, string>) {
  const { affiliations } = node
  const refused = new Map<string, string>()
  const fresh: string[] = []
  for (const [jid, affiliation] of wanted) {
    const isKnown = AFFILIATIONS.has(affiliation) && Buffer.byteLength(jid) <= ADDRESS_BYTES
    if (jid === node.owner) {
      if (affiliation !== 'owner') refused.set(jid, 'The owner stays the owner')
    } else if (!isKnown) refused.set(jid, 'No such affiliation')
    else if (affiliation !== 'none' && !affiliations.has(jid)) fresh.push(jid)
  }
  if (affiliations.size + fresh.length > limits.subscriptions)
    for (const jid of fresh) refused.set(jid, 'Too many affiliations')
  if (isPersonal) return refused
  // XEP-0060 §8.9.2.4: nobody takes the last owner away.
  const owners = [...affiliations.keys()].filter(jid => affiliations.get(jid) === 'owner')
  const leaving = owners.filter(jid => wanted.has(jid) && wanted.get(jid) !== 'owner' && !refused.has(jid))
  const coming = fresh.concat(...affiliations.keys()).some(jid => wanted.get(jid) === 'owner' && !refused.has(jid))
  if (leaving.length === owners.length && !coming) for (const jid of leaving) refused.set(jid, 'A node needs an owner')
  return refused
}
