import { NS, pageOf, pageSet, readRsm, type Stanza, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Asked,
  type Awaitable,
  choice,
  defineModule,
  integer,
  iqGet,
  iqSet,
  type Request,
  Throttle,
} from '@xmpp/server-core'
import { commandsInfo } from '../command-elements.ts'
import type { DiscoItem, DiscoNode } from '../disco.ts'
import { barrier } from './access.ts'
import { type Audience, messageIds, send, tellLast, toSubscribers } from './audience.ts'
import { option } from './config.ts'
import { nodesIn } from './discovery.ts'
import { answerPubsub, FEATURES } from './engine.ts'
import { messageOf } from './events.ts'
import { COMMON } from './fields.ts'
import { PUBSUB, PUBSUB_OWNER } from './names.ts'
import { GET_PENDING, getPending, pendingInfo } from './pending.ts'
import { authorizationIn, decideRequest } from './requests.ts'
import type { PubsubService } from './service.ts'

// Without the presence of subscribers, and so without `last-published` (XEP-0060 §4.3, §10).
const DEFAULTS = { ...COMMON, access_model: 'open', max_items: 'max', send_last_published_item: 'on_sub' }
/** Nodes in one answer (XEP-0060 §5.2). */
const PAGE = 100
/** Subscriptions that one account may ask owners for a minute. */
const REQUESTS = 20
const NEITHER = { owns: false, watches: false, groups: [] }

/** A publish-subscribe service (XEP-0060) at `pubsub.<domain>`: each node belongs to whoever made it; admins of the domain own all. */
export default defineModule({
  name: 'pubsub',
  xeps: [
    {
      number: 60,
      version: '1.30.0',
      partial: 'collections (XEP-0248), the last item by presence, digests, message bodies, temporary subscriptions',
    },
  ],
  config: {
    create: choice('local', ['local', 'anybody', 'admins'], 'who may make nodes'),
    nodes: integer(2000, 1, 100_000, 'nodes of the service'),
    owned: integer(50, 1, 100_000, 'nodes that one account may own'),
    items: integer(1000, 1, 100_000, 'items that one node may keep'),
    bytes: integer(500_000, 1000, 16_000_000, 'size of the payload of an item'),
    subscriptions: integer(5000, 1, 100_000, 'subscriptions to one node, and as many affiliations'),
  },
  setup({ config, domain, host, store, server, live, route, clock, serve }) {
    const admins = new Set(domain.admins)
    const asked = new Throttle(clock, REQUESTS)
    const all = { owns: true, watches: false, groups: [] }
    const audience: Audience = {
      live,
      route,
      nextId: messageIds('pubsub'),
      mayHear: (service, node, jid) => !barrier(service, node, jid, NEITHER),
    }
    const at = serve('pubsub', 'Publish-subscribe', receive)

    const service: PubsubService = {
      jid: at.jid,
      store: store.pubsub,
      limits: config,
      defaults: DEFAULTS,
      defaultsOf: () => DEFAULTS,
      adapts: () => false,
      accessModels: ['open', 'authorize', 'whitelist'],
      isPersonal: false,
      standing: ({ bare }) => (admins.has(bare.text) ? all : NEITHER),
      mayCreate({ bare }) {
        if (config.create === 'anybody' || admins.has(bare.text)) return true
        return config.create === 'local' && bare.domain === host.domain
      },
      sees: jid => server.router.hosts.has(jid.domain),
      mayAsk: ({ bare }) => asked.take(bare.text),
      send: (to, children, id) => send(audience, at.jid, to, children, id),
      notify({ node, event }) {
        if (option(service, node.config, 'deliver_notifications') !== true || node.subscriptions.length === 0) return
        const message = messageOf(service, node, audience.nextId(), event)
        return toSubscribers(audience, service, node, message, event.name === 'items')
      },
      tellLast: (node, subscriber) => tellLast(audience, service, node, subscriber),
      now: () => clock.now(),
    }
    const nodes = nodesIn(() => service)

    /** What is no request: answers of owners (XEP-0060 §8.6). */
    function receive(stanza: Stanza): Awaitable<void> {
      if (stanza.name === 'message') {
        if (stanza.type === 'error' || stanza.type === 'headline') return
        const form = stanza.to?.local === '' ? authorizationIn(stanza) : undefined
        if (form) return decideRequest(service, stanza.from!, form)
      }
      if (stanza.name === 'presence' || (stanza.name === 'iq' && !stanza.isRequest)) return
      throw new StanzaError('service-unavailable')
    }

    async function info(request: Request) {
      const { node } = request.payload.attrs
      if (node === undefined) return serviceInfo()
      const query = await (await find(request, node)).info!(request)
      return el('query', NS.discoInfo, { node }, query.elements())
    }

    async function items(request: Request) {
      const { node } = request.payload.attrs
      if (node === undefined) return page(request, await nodes.items(request), item => item.node!)
      const found = await find(request, node)
      if (!found.items) throw new StanzaError('not-authorized', 'What the node holds is for subscribers')
      const all = await found.items(request)
      return isPaged(request) ? page(request, all, item => item.name!) : listed(node, all)
    }

    async function find(request: Request, node: string): Promise<DiscoNode> {
      if (node === NS.commands) return { info: commandsInfo, items: () => [PENDING] }
      if (node === GET_PENDING) return { info: pendingInfo, items: () => [] }
      const found = await nodes.find(request, node)
      if (!found) throw new StanzaError('item-not-found', 'No such node for you')
      return found
    }

    const PENDING = { jid: at.jid, node: GET_PENDING, name: 'Pending subscriptions' }
    const answer = (request: Request, asked: Asked) => answerPubsub(service, request, asked)
    for (const iq of [
      iqGet('host', NS.discoInfo, 'query', info),
      iqGet('host', NS.discoItems, 'query', items),
      iqGet('host', PUBSUB, 'pubsub', answer),
      iqSet('host', PUBSUB, 'pubsub', answer),
      iqGet('host', PUBSUB_OWNER, 'pubsub', answer),
      iqSet('host', PUBSUB_OWNER, 'pubsub', answer),
      iqSet('host', NS.commands, 'command', (request, asked) => getPending(service, request, asked)),
    ])
      at.iq.add(iq)
    return {}
  },
})

function isPaged({ payload }: Request): boolean {
  return payload.child('set', NS.rsm) !== undefined
}

function page({ payload }: Request, all: readonly DiscoItem[], idOf: (item: DiscoItem) => string) {
  const found = pageOf(all, idOf, readRsm(payload), PAGE)
  return listed(payload.attrs['node'], found.items, pageSet(payload, found))
}

function serviceInfo() {
  const features = [NS.discoInfo, NS.discoItems, NS.commands, PUBSUB, ...FEATURES]
  return el(
    'query',
    NS.discoInfo,
    null,
    el('identity', NS.discoInfo, { category: 'pubsub', type: 'service', name: 'Publish-subscribe' }),
    features.map(feature => el('feature', NS.discoInfo, { var: feature })),
  )
}

function listed(node: string | undefined, found: readonly DiscoItem[], summary?: Element) {
  const items = found.map(({ jid, name, node }) => el('item', NS.discoItems, { jid, name, node }))
  return el('query', NS.discoItems, { node }, items, summary)
}
