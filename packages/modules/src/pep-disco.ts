import type { Jid } from '@parley/jid'
import { NS } from '@parley/stanza'
import type { PubsubNode } from '@parley/store'
import { el } from '@parley/xml'
import type { Request } from '@xmpp/server-core'
import type { AccountNodes, DiscoItem, DiscoNode } from './disco.ts'
import { barrier } from './pubsub/access.ts'
import { keepOf, metaForm, option } from './pubsub/config.ts'
import { PUBSUB } from './pubsub/names.ts'
import type { PubsubService } from './pubsub/service.ts'

/** Names in one answer. */
const ITEMS = 1000
/** Of the items that are read for it. */
const CHARS = 4_000_000

/** An account's nodes, for service discovery: those that the asker may read (XEP-0060 §5.2 to §5.5, XEP-0163 §6.2). */
export function accountNodes(serviceOf: (account: Jid) => PubsubService): AccountNodes {
  async function visible({ from, to }: Request, named?: string): Promise<PubsubNode[]> {
    const service = serviceOf(to)
    const { store, limits, jid } = service
    const bare = from.bare.text
    const one = named === undefined ? undefined : await store.node(jid.text, named, bare)
    const all = named === undefined ? await store.nodes(jid.text, bare, limits.nodes) : one ? [one] : []
    if (all.length === 0) return []
    const standing = await service.standing(from)
    return all.filter(node => !barrier(service, node, from, standing))
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
      (await visible(request)).map(({ node, config }) => {
        const name = String(option(serviceOf(request.to), config, 'title'))
        return { jid: request.to, node, ...(name !== '' && { name }) }
      }),
    async find(request, name): Promise<DiscoNode | undefined> {
      const [node] = await visible(request, name)
      if (!node) return undefined
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
        items: () => itemsOf(request, node),
      }
    },
  }
}
