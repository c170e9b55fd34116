import { createHash, randomUUID } from 'node:crypto'
import { StanzaError } from '@parley/stanza'
import { type PubsubChange, type PubsubNode, type PubsubSeen, StoreError } from '@parley/store'
import { isOwner, nothing } from './access.ts'
import { because } from './names.ts'
import type { Asking, Standing } from './service.ts'

/** What an index of the store takes with three such names in it. */
const NAME_BYTES = 500

/** Names of nodes and items that can be kept. */
export function checkName(name: string): string {
  if (name === '' || Buffer.byteLength(name) > NAME_BYTES)
    throw new StanzaError('not-acceptable', 'A name of a node or item is empty or too long')
  return name
}

/** A name for what has none; the same for a request that comes again, so that nothing is there twice. */
export function newName({ mid }: Asking): string {
  return mid === undefined ? randomUUID() : createHash('sha256').update(mid).digest('hex').slice(0, 32)
}

/** The node that the request is about. */
export function nodeName({ request }: Asking): string {
  const node = request.attrs['node']
  if (!node) throw new StanzaError('bad-request', 'The node is not named', because('nodeid-required'))
  return node
}

type Decide = (seen: PubsubSeen, standing: Standing) => PubsubChange

/** Whose request it is, and where. */
type Asker = Pick<Asking, 'service' | 'from'>

/** Changes a node as one step; `decide` throws what it refuses. */
export async function change(asking: Asker, name: string, items: readonly string[], decide: Decide): Promise<void> {
  const { service, from } = asking
  const standing = await service.standing(from)
  const done = service.store.change(service.jid.text, name, items, seen => decide(seen, standing))
  await done.catch(refuse)
}

/** As {@link change}, for an item that is published: whoever owns the node need not know whose item it replaces. */
export async function changeItem(asking: Asking, name: string, id: string, decide: Decide): Promise<void> {
  const { service, from } = asking
  const standing = await service.standing(from)
  if (!standing.owns) return change(asking, name, [id], decide)
  const done = service.store.publish(service.jid.text, name, seen => decide(seen, standing))
  await done.catch(refuse)
}

function refuse(error: unknown): never {
  throw asRefusal(error)
}

/** What the store refuses, as the asker hears it. */
export function asRefusal(error: unknown): unknown {
  const full = error instanceof StoreError && error.code === 'full'
  return full ? new StanzaError('resource-constraint', 'Too many nodes') : error
}

/** As {@link change}, for what only owners may do (XEP-0060 §8). Gives the node as it was. */
export async function changeOwned(asking: Asking, decide: (node: PubsubNode) => PubsubChange): Promise<PubsubNode> {
  let found: PubsubNode | undefined
  await change(asking, nodeName(asking), [], ({ node }, standing) => {
    found = ownedBy(asking, node, standing)
    return decide(found)
  })
  return found!
}

/** @throws StanzaError unless the asker owns the node; a node that is not there is nobody's */
export function ownedBy({ service, from }: Asker, node: PubsubNode | undefined, standing: Standing): PubsubNode {
  if (node && isOwner(node, from, standing)) return node
  if (node || (service.isPersonal && !standing.owns)) throw new StanzaError('forbidden', 'Only for owners of the node')
  throw nothing()
}

/** The node, for its owner to look at. */
export async function owned(asking: Asking): Promise<PubsubNode> {
  const { service, from } = asking
  const standing = await service.standing(from)
  const found = await service.store.node(service.jid.text, nodeName(asking), from.bare.text)
  return ownedBy(asking, found, standing)
}
