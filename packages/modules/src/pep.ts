import type { Jid } from '@parley/jid'
import { type Message, NS } from '@parley/stanza'
import type { Element } from '@parley/xml'
import {
  type Asked,
  type Awaitable,
  becameAvailable,
  chain,
  defineModule,
  HANDLED,
  type Inbound,
  inbound,
  integer,
  iqGet,
  iqSet,
  on,
  only,
  type Request,
  type Session,
  sessionEnded,
  Throttle,
  type Verdict,
} from '@xmpp/server-core'
import blocking from './blocking.ts'
import caps, { capsLearned } from './caps.ts'
import { commandsInfo } from './command-elements.ts'
import disco from './disco.ts'
import { omemoNode } from './omemo-nodes.ts'
import { pepNews } from './pep-news.ts'
import { nodesIn } from './pubsub/discovery.ts'
import { answerPubsub, FEATURES } from './pubsub/engine.ts'
import { COMMON } from './pubsub/fields.ts'
import { PUBSUB, PUBSUB_OWNER } from './pubsub/names.ts'
import { GET_PENDING, getPending, pendingInfo } from './pubsub/pending.ts'
import { authorizationIn, decideRequest } from './pubsub/requests.ts'
import type { PubsubService, Standing } from './pubsub/service.ts'
import roster, { rosterRegrouped } from './roster.ts'
import { presenceGranted, presenceRevoked } from './subscription.ts'

/** XEP-0163 §5 */
const DEFAULTS = {
  ...COMMON,
  access_model: 'presence',
  max_items: '1',
  send_last_published_item: 'on_sub_and_presence',
}
/** Subscriptions that one account may ask another one for a minute. */
const REQUESTS = 5
/** What an account can do beyond any service (XEP-0060 §9, §11). */
const OWN = [
  'access-presence',
  'access-roster',
  'auto-subscribe',
  'filtered-notifications',
  'last-published',
  'presence-subscribe',
  'pubsub-on-a-jid',
].map(feature => `${PUBSUB}#${feature}`)

export interface Pep {
  service(account: Jid): PubsubService
  /** `run` does each change of that node which somebody asks for, and what belongs to it: all of it before the answer. */
  around(node: string, run: Around): void
}
export type Around = (account: Jid, change: () => Promise<Element | undefined>) => Promise<Element | undefined>

/** Personal eventing (XEP-0163): every account is a publish-subscribe service of its own (XEP-0060). */
export default defineModule({
  name: 'pep',
  xeps: [
    {
      number: 60,
      version: '1.30.0',
      partial: 'digests, message bodies, temporary subscriptions, several subscriptions of one address',
    },
    { number: 80, version: '1.10.0' },
    { number: 84, version: '1.1.4' },
    { number: 107, version: '1.2.2' },
    { number: 108, version: '1.3' },
    { number: 118, version: '1.3.0' },
    { number: 163, version: '1.2.2', partial: 'without extended addresses in notifications' },
    { number: 172, version: '1.1' },
    { number: 222, version: '1.0' },
    { number: 223, version: '1.1.1' },
    { number: 384, version: '0.9.1' },
  ],
  features: { account: [NS.commands, PUBSUB, ...FEATURES, ...OWN] },
  identities: { account: [{ category: 'pubsub', type: 'pep' }] },
  uses: { blocking, caps, disco, roster },
  config: {
    nodes: integer(500, 1, 100_000, 'nodes that one account may have'),
    items: integer(1000, 1, 100_000, 'items that one node may keep'),
    bytes: integer(500_000, 1000, 16_000_000, 'size of the payload of an item'),
    subscriptions: integer(1000, 1, 100_000, 'subscriptions to one node, and as many affiliations'),
  },
  setup(context) {
    const { config, uses, store, server, host, clock } = context
    const news = pepNews(context, serviceOf)
    const asked = new Throttle(clock, REQUESTS)

    function standing(account: Jid, asker: Jid) {
      const owns: Standing = { owns: true, watches: true, groups: [] }
      if (asker.bare.equals(account)) return owns
      return chain(uses.roster.view(account), view => {
        const { subscription, groups } = view.get(asker.bare)
        return { owns: false, watches: subscription === 'from' || subscription === 'both', groups }
      })
    }

    function serviceOf(account: Jid): PubsubService {
      return {
        jid: account,
        store: store.pubsub,
        limits: { ...config, owned: config.nodes },
        defaults: DEFAULTS,
        defaultsOf: node => ({ ...DEFAULTS, ...omemoNode(node) }),
        adapts: node => omemoNode(node) !== undefined,
        accessModels: ['open', 'presence', 'roster', 'authorize', 'whitelist'],
        isPersonal: true,
        standing: asker => standing(account, asker),
        sees: jid => server.router.hosts.has(jid.domain),
        mayAsk: asker => asked.take(`${asker.bare.text}\n${account.text}`),
        mayCreate: asker => asker.bare.equals(account),
        send: (to, children, id) => news.send(account, to, children, id),
        notify: notice => news.notify(account, notice),
        tellLast: (node, subscriber) => news.tellLast(account, node, subscriber),
        now: () => clock.now(),
      }
    }

    const around = new Map<string, Around>()

    function answer(request: Request, asked: Asked): Awaitable<Element | undefined> {
      const node = request.type === 'set' ? request.payload.firstElement()?.attrs['node'] : undefined
      const run = node === undefined ? undefined : around.get(node)
      const change = () => answerPubsub(serviceOf(request.to), request, asked)
      return run ? run(request.to, async () => change()) : change()
    }

    /** XEP-0163 §4.3.4: the last items of everybody whom the session can see, its own account included. */
    async function showLast(
      session: Session,
      features: ReadonlySet<string>,
      before: ReadonlySet<string>,
    ): Promise<void> {
      const { watched } = await uses.roster.view(session.account)
      const owners = watched.filter(({ domain }) => server.router.hosts.has(domain))
      await news.showLast([session.account, ...owners], session.jid, features, before)
    }

    /** What each session has been shown, so that new capabilities bring only what is new. */
    const shown = new WeakMap<Session, ReadonlySet<string>>()

    /** The client does not wait for it: what it sends next is handled meanwhile. */
    function available({ session }: { readonly session: Session }): void {
      shown.delete(session)
      const { caps } = session.entry
      if (caps === undefined) return
      const told = chain(uses.caps.features(caps), features => {
        if (features && session.entry.caps === caps) return learned({ session, features })
      })
      server.finish(host, told)
    }

    async function learned({ session, features }: { session: Session; features: ReadonlySet<string> }): Promise<void> {
      const before = shown.get(session) ?? new Set()
      if (!session.entry.presence || before === features) return
      shown.set(session, features)
      await showLast(session, features, before)
    }

    /** XEP-0060 §8.6: what the owner's client sends to the account is not a message for anybody. */
    function decided({ stanza, account }: Omit<Inbound, 'stanza'> & { readonly stanza: Message }): Awaitable<Verdict> {
      if (stanza.type !== 'normal' || (stanza.to && !stanza.to.isBare)) return
      const form = authorizationIn(stanza)
      return form && decideRequest(serviceOf(account), stanza.from!, form).then(() => HANDLED)
    }

    uses.disco.addAccountNodes(nodesIn(serviceOf))
    uses.disco.addNode('account', GET_PENDING, { info: pendingInfo })
    uses.disco.addNode('account', NS.commands, {
      info: commandsInfo,
      items: ({ to }) => [{ jid: to, node: GET_PENDING, name: 'Pending subscriptions' }],
    })
    return {
      iq: [
        iqGet('account', PUBSUB, 'pubsub', answer),
        iqSet('account', PUBSUB, 'pubsub', answer),
        iqGet('account', PUBSUB_OWNER, 'pubsub', answer),
        iqSet('account', PUBSUB_OWNER, 'pubsub', answer),
        iqSet('account', NS.commands, 'command', (request, asked) => getPending(serviceOf(request.to), request, asked)),
      ],
      on: [
        on(inbound, 'guard', only('message', decided)),
        on(inbound, 'deliver', only('presence', news.visitors.heard)),
        on(sessionEnded, 'observe', news.visitors.ended),
        on(becameAvailable, 'observe', available),
        on(capsLearned, 'observe', learned),
        on(presenceGranted, 'observe', ({ account, contact }) => news.welcome(account, contact)),
        on(presenceRevoked, 'observe', ({ account, contact }) => news.farewell(account, contact)),
        on(rosterRegrouped, 'observe', ({ account, contacts }) => news.regrouped(account, contacts)),
      ],
      api: { service: serviceOf, around: (node, run) => void around.set(node, run) } satisfies Pep,
    }
  },
})
