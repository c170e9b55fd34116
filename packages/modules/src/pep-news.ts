import type { Jid } from '@parley/jid'
import type { SessionEntry } from '@parley/live'
import type { Message } from '@parley/stanza'
import type { PubsubNode } from '@parley/store'
import type { Element } from '@parley/xml'
import { type Awaitable, type Context, chain } from '@xmpp/server-core'
import type { Blocking } from './blocking.ts'
import type { Caps } from './caps.ts'
import { pepVisitors } from './pep-visitors.ts'
import { barrier } from './pubsub/access.ts'
import { type Audience, messageIds, send, tell, tellLast, toSubscribers } from './pubsub/audience.ts'
import { option } from './pubsub/config.ts'
import { messageOf } from './pubsub/events.ts'
import { tellState } from './pubsub/requests.ts'
import type { Notice, PubsubService } from './pubsub/service.ts'
import type { Roster } from './roster.ts'
import { toAll } from './slices.ts'

type Parts = Pick<Context, 'live' | 'route' | 'server' | 'store' | 'host'> & {
  readonly uses: { readonly blocking: Blocking; readonly caps: Caps; readonly roster: Roster }
}

/** Contacts whose last items are read together, and characters that these may have. */
const OWNERS = 100
const CHARS = 4_000_000

/** Who hears what of an account's nodes (XEP-0163 §4): its own clients, contacts who ask for it, and subscribers. */
export function pepNews(parts: Parts, serviceOf: (account: Jid) => PubsubService) {
  const { live, route, server, store, uses } = parts
  const nextId = messageIds('pep')
  const audience: Audience = { live, route, mayHear, nextId }
  const visitors = pepVisitors(parts, (account, jid, features) => showLast([account], jid, features))

  /** XEP-0060 §9.2: only what a client's capabilities ask for. */
  function wants({ presence, caps }: SessionEntry, feature: string): Awaitable<boolean> {
    if (!presence || caps === undefined) return false
    return chain(uses.caps.features(caps), features => features?.has(feature) ?? false)
  }

  /** To the sessions of somebody that want it, by their full JIDs (XEP-0163 §4.3.1). */
  function toWanting(account: Jid, to: Jid, message: Message, feature: string, heard?: Set<string>): Awaitable<void> {
    return chain(live.sessions(to), entries => {
      if (entries.length === 0) return
      return chain(uses.blocking.isBlocked(to, account), blocked => {
        if (blocked) return
        return toAll(entries, entry =>
          chain(wants(entry, feature), yes => {
            if (!yes) return undefined
            heard?.add(entry.jid.text).add(entry.jid.bare.text)
            return server.router.toSession(entry, message.addressed(entry.jid))
          }),
        )
      })
    })
  }

  /** The same for a contact at another server, of whose clients presence tells (XEP-0163 §4.3.2). */
  function toVisitors(account: Jid, to: Jid, message: Message, feature: string, heard?: Set<string>): Awaitable<void> {
    return toAll(visitors.of(account, to), ({ jid, caps }) =>
      chain(uses.caps.features(caps), features => {
        if (!features?.has(feature)) return undefined
        heard?.add(jid.text).add(jid.bare.text)
        return route(message.addressed(jid))
      }),
    )
  }

  function notify(account: Jid, { node, event }: Notice): Awaitable<void> {
    const service = serviceOf(account)
    if (option(service, node.config, 'deliver_notifications') !== true) return
    const message = messageOf(service, node, nextId(), event)
    const feature = `${node.node}+notify`
    const heard = node.subscriptions.length > 0 ? new Set<string>() : undefined
    const told = chain(uses.roster.view(account), view => {
      const may = (contact: Jid) => {
        const { groups } = view.get(contact)
        return !barrier(service, node, contact, { owns: false, watches: true, groups })
      }
      // XEP-0060 §9.1.2: whom owners let in has asked by name.
      const asked = option(service, node.config, 'access_model') === 'authorize'
      const watchers = asked ? [] : view.watchers
      return chain(uses.blocking.without(account, watchers.filter(may)), contacts =>
        toAll([account, ...contacts], to =>
          server.router.hosts.has(to.domain)
            ? toWanting(account, to, message, feature, heard)
            : toVisitors(account, to, message, feature, heard),
        ),
      )
    })
    if (!heard) return told
    // XEP-0163 §4.3.2: those who subscribed by name, once.
    return chain(told, () => toSubscribers(audience, service, node, message, event.name === 'items', heard))
  }

  async function mayHear(service: PubsubService, node: PubsubNode, jid: Jid): Promise<boolean> {
    if (barrier(service, node, jid, await service.standing(jid))) return false
    return !(await uses.blocking.isBlocked(service.jid, jid))
  }

  /** The last items of `owners` for one session: of what `features` ask for and `before` did not. */
  async function showLast(
    owners: readonly Jid[],
    to: Jid,
    features: ReadonlySet<string>,
    before?: ReadonlySet<string>,
  ): Promise<void> {
    const wanted = [...features].filter(name => name.endsWith('+notify') && !before?.has(name))
    if (wanted.length === 0) return
    const nodes = wanted.map(name => name.slice(0, -'+notify'.length))
    const byName = new Map(owners.map(owner => [owner.text, owner]))
    const names = [...byName.keys()]
    for (let n = 0; n < names.length; n += OWNERS) {
      const some = names.slice(n, n + OWNERS)
      for (const { node, item } of await store.pubsub.latest(some, nodes, to.bare.text, CHARS)) {
        const service = serviceOf(byName.get(node.owner)!)
        const always = option(service, node.config, 'send_last_published_item') === 'on_sub_and_presence'
        if (always && option(service, node.config, 'deliver_notifications') === true)
          await tell(audience, service, node, item, to)
      }
    }
  }

  /** A contact may see the account from now on (XEP-0163 §4.3.4). */
  async function welcome(account: Jid, contact: Jid): Promise<void> {
    if (!server.router.hosts.has(contact.domain)) return
    for (const { jid, presence, caps } of await live.sessions(contact.bare)) {
      const features = presence && caps !== undefined ? await uses.caps.features(caps) : undefined
      if (features) await showLast([account], jid, features)
    }
  }

  /** Contacts are in other groups of the roster: that matters where nodes are for groups, which is rare. */
  async function regrouped(account: Jid, contacts: readonly Jid[]): Promise<void> {
    const service = serviceOf(account)
    const all = await store.pubsub.nodes(account.text, '', service.limits.nodes)
    if (!all.some(({ config }) => option(service, config, 'access_model') === 'roster')) return
    for (const contact of contacts) await farewell(account, contact)
  }

  /** A contact may see less of the account than before: what it has subscribed to and may not read ends (XEP-0163 §7.1). */
  async function farewell(account: Jid, contact: Jid): Promise<void> {
    const service = serviceOf(account)
    const all = await store.pubsub.related(account.text, contact.bare.text, service.limits.nodes)
    const subscribed = all.filter(({ subscriptions }) => subscriptions.length > 0)
    if (subscribed.length === 0) return
    const standing = await service.standing(contact)
    for (const node of subscribed) {
      const found = barrier(service, node, contact, standing)
      // Who waits to be let in goes on waiting.
      if (!found || found === 'unsubscribed') continue
      const unsubscribe = node.subscriptions.map(({ jid }) => jid)
      await store.pubsub.change(account.text, node.node, [], () => ({ unsubscribe }))
      for (const one of node.subscriptions) await tellState(service, node, one, 'none')
    }
  }

  return {
    visitors,
    notify,
    showLast,
    welcome,
    farewell,
    regrouped,
    tellLast: (account: Jid, node: PubsubNode, to: Jid) => tellLast(audience, serviceOf(account), node, to),
    send: (account: Jid, to: Jid, children: readonly Element[], id?: string) =>
      send(audience, account, to, children, id),
  }
}
