import type { Jid } from '@parley/jid'
import { type DataForm, NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type Awaitable, chain, defineModule, type Identity, iqGet, type Request } from '@xmpp/server-core'
import roster from './roster.ts'

/** What one node of the host or of an account tells about itself. */
export interface DiscoNode {
  info?(request: Request): Awaitable<Element>
  items?(request: Request): Awaitable<readonly DiscoItem[]>
}

export interface DiscoItem {
  readonly jid: Jid | string
  readonly name?: string
  readonly node?: string
}

/** Nodes of accounts that not everybody may know: what is found is what the asker may see, contact or not. */
export interface AccountNodes {
  items(request: Request): Awaitable<readonly DiscoItem[]>
  find(request: Request, node: string): Awaitable<DiscoNode | undefined>
}

export interface Disco {
  /** The `<query/>` of the host itself, without a node. */
  hostInfo(): Element
  /** A form that the host's information carries (XEP-0128). */
  addForm(form: () => DataForm | undefined): void
  addNode(at: 'host' | 'account', node: string, answers: DiscoNode): void
  /** Nodes of the host that are known only when they are asked for; `find` gives undefined for those of others. */
  addNodes(find: (node: string) => DiscoNode | undefined): void
  addAccountNodes(nodes: AccountNodes): void
  /** Services that not everybody is shown. */
  addServices(list: (request: Request) => Awaitable<readonly DiscoItem[]>): void
}

/** Service discovery (XEP-0030) from what the modules declare, with forms (XEP-0128). */
export default defineModule({
  name: 'disco',
  xeps: [
    { number: 30, version: '2.5.0' },
    { number: 128, version: '1.0.1' },
  ],
  features: { host: [NS.discoInfo, NS.discoItems], account: [NS.discoInfo, NS.discoItems] },
  identities: {
    host: [{ category: 'server', type: 'im', name: 'Parley' }],
    account: [{ category: 'account', type: 'registered' }],
  },
  uses: { roster },
  setup({ host, server, uses }) {
    const forms: (() => DataForm | undefined)[] = []
    const nodes = { host: new Map<string, DiscoNode>(), account: new Map<string, DiscoNode>() }
    const finders: ((node: string) => DiscoNode | undefined)[] = []
    const hostNode = (node: string) => nodes.host.get(node) ?? finders.map(find => find(node)).find(found => found)
    const ofAccounts: AccountNodes[] = []
    const more: ((request: Request) => Awaitable<readonly DiscoItem[]>)[] = []

    /** A node that the asker may see by itself, or one of those that contacts may see. */
    async function accountNode(request: Request, name: string): Promise<DiscoNode | undefined> {
      for (const source of ofAccounts) {
        const found = await source.find(request, name)
        if (found) return found
      }
      await checkAsker(request)
      return nodes.account.get(name)
    }

    const hostInfo = () => info(host.identities.host, host.features.host, forms)

    function answerHost(request: Request): Awaitable<Element> {
      const node = request.payload.attrs['node']
      return node === undefined ? hostInfo() : nodeInfo(hostNode(node), request)
    }

    async function hostItems(request: Request): Promise<Element> {
      const node = request.payload.attrs['node']
      if (node !== undefined) return items(await known(hostNode(node), 'items')(request), node)
      const services = [...host.services].map(([jid, name]) => ({ jid, name }))
      const components = [...server.router.components.keys()].filter(domain => domain.endsWith(`.${host.domain}`))
      const others = (await Promise.all(more.map(list => list(request)))).flat()
      return items([...services, ...components.map(jid => ({ jid })), ...others])
    }

    /** Who may not see an account's presence learns nothing of it (XEP-0030 §8, RFC 6121 §11). */
    async function checkAsker({ from, to }: Request): Promise<void> {
      if (from.bare.equals(to.bare) || (await uses.roster.mayWatch(to.bare, from))) return
      throw new StanzaError('service-unavailable')
    }

    async function answerAccount(request: Request): Promise<Element> {
      const node = request.payload.attrs['node']
      if (node !== undefined) return nodeInfo(await accountNode(request, node), request)
      await checkAsker(request)
      return info(host.identities.account, host.features.account, [])
    }

    async function accountItems(request: Request): Promise<Element> {
      const node = request.payload.attrs['node']
      if (node !== undefined) return items(await known(await accountNode(request, node), 'items')(request), node)
      const found = (await Promise.all(ofAccounts.map(source => source.items(request)))).flat()
      // XEP-0163 §6.2: what is open to a stranger is shown to it, and nothing else.
      if (found.length === 0) await checkAsker(request)
      return items(found)
    }

    const api: Disco = {
      hostInfo,
      addForm: form => void forms.push(form),
      addNode: (at, node, answers) => void nodes[at].set(node, answers),
      addNodes: find => void finders.push(find),
      addAccountNodes: source => void ofAccounts.push(source),
      addServices: list => void more.push(list),
    }
    return {
      iq: [
        iqGet('host', NS.discoInfo, 'query', answerHost),
        iqGet('host', NS.discoItems, 'query', hostItems),
        iqGet('account', NS.discoInfo, 'query', answerAccount),
        iqGet('account', NS.discoItems, 'query', accountItems),
      ],
      api,
    }
  },
})

function known<K extends keyof DiscoNode>(node: DiscoNode | undefined, what: K): NonNullable<DiscoNode[K]> {
  const answer = node?.[what]
  // XEP-0030 §3.2
  if (!answer) throw new StanzaError('item-not-found', 'There is no such node')
  return answer
}

/** XEP-0030 §3.2: the answer repeats the node. */
function nodeInfo(node: DiscoNode | undefined, request: Request): Awaitable<Element> {
  const name = request.payload.attrs['node']
  return chain(known(node, 'info')(request), query => el('query', NS.discoInfo, { node: name }, query.elements()))
}

function info(
  identities: readonly Identity[],
  features: ReadonlySet<string>,
  forms: readonly (() => DataForm | undefined)[],
): Element {
  return el(
    'query',
    NS.discoInfo,
    null,
    identities.map(({ category, type, name }) => el('identity', NS.discoInfo, { category, type, name })),
    [...features].sort().map(feature => el('feature', NS.discoInfo, { var: feature })),
    forms.map(form => form()?.toElement()),
  )
}

function items(found: readonly DiscoItem[], node?: string): Element {
  return el(
    'query',
    NS.discoItems,
    { node },
    found.map(({ jid, name, node }) => el('item', NS.discoItems, { jid, name, node })),
  )
}
