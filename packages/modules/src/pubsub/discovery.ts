import type { Jid } from '@parley/jid'
import { NS } from '@parley/stanza'
import type { PubsubNode } from '@parley/store'
import { el } from '@parley/xml'
import type { Request } from '@xmpp/server-core'
import type { AccountNodes, DiscoItem, DiscoNode } from '../disco.ts'
import { barrier } from './access.ts'
import { keepOf, metaForm, option } from './config.ts'
import { PUBSUB } from './names.ts'
import type { PubsubService } from './service.ts'

/** Names in one answer. */
const ITEMS = 1000
/** Of the items that are read for it. */
const CHARS = 4_000_000

interface Visible {
  readonly node: PubsubNode
  /** What it holds is not for the asker, who may ask to be let in. */
  readonly hidden: ReturnType<typeof barrier>
}

/**
 * Nodes for service discovery: those that the asker may read, or ask to read (XEP-0060 §5.2 to §5.5, XEP-0163 §6.2).
 */
export function nodesIn(serviceOf: (account: Jid) => PubsubService): AccountNodes {
  async function visible({ from, to }: Request, named?: string): Promise<Visible[]> {
    const service = serviceOf(to)
    const { store, limits, jid } = service
    const bare = from.bare.text
    const one = named === undefined ? undefined : await store.node(jid.text, named, bare)
    const all = named === undefined ? await store.nodes(jid.text, bare, limits.nodes) : one ? [one] : []
    if (all.length === 0) return []
    const standing = await service.standing(from)
    const found = all.map(node => ({ node, hidden: barrier(service, node, from, standing) }))
    return found.filter(({ hidden }) => hidden === undefined || hidden === 'unsubscribed')
  }

  async function itemsOf({ to }: Request, node: PubsubNode): Promise<DiscoItem[]> {
    const service = serviceOf(to)
    const { max, since } = keepOf(service, node.config)
    const page = { limit: Math.min(max, ITEMS), chars: CHARS, since }
    const found = await service.store.items(to.text, node.node, page)
    // XEP-0060 §5.5: the name is the id of the item, and there is no node.
    return (found?.items ?? []).map(({ id }) => ({ jid: to, name: id }))
  }

  return {
    items: async request =>
      (await visible(request)).map(({ node: { node, config } }) => {
        const name = String(option(serviceOf(request.to), config, 'title'))
        return { jid: request.to, node, ...(name !== '' && { name }) }
      }),
    async find(request, name): Promise<DiscoNode | undefined> {
      const [found] = await visible(request, name)
      if (!found) return undefined
      const { node, hidden } = found
      return {
        info: () =>
          el(
            'query',
            NS.discoInfo,
            null,
            el('identity', NS.discoInfo, { category: 'pubsub', type: 'leaf' }),
            el('feature', NS.discoInfo, { var: PUBSUB }),
            metaForm(serviceOf(request.to), node).toElement(),
          ),
        ...(!hidden && { items: () => itemsOf(request, node) }),
      }
    },
  }
}
