import type { Jid } from '@parley/jid'
import { Body, Iq, Presence, readAddress, type Stanza, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Asked,
  type Awaitable,
  accountRemoved,
  chain,
  defineModule,
  type Inbound,
  inbound,
  integer,
  iqGet,
  iqSet,
  map,
  type Outbound,
  observe,
  on,
  outbound,
  type Request,
  type Verdict,
} from '@xmpp/server-core'
import roster from './roster.ts'
import { presenceGranted } from './subscription.ts'

const NS = 'urn:xmpp:blocking'
const ERRORS = 'urn:xmpp:blocking:errors'
/** Block lists in memory; the one used longest ago goes first. */
const CACHED = 20_000

export interface Blocking {
  isBlocked(account: Jid, other: Jid): Awaitable<boolean>
}

/** Blocking (XEP-0191): who is blocked sees an account that is never there. */
export default defineModule({
  name: 'blocking',
  xeps: [{ number: 191, version: '1.3' }],
  features: { host: [NS], account: [NS] },
  uses: { roster },
  config: { entries: integer(1000, 1, 100_000, 'addresses that one account may block') },
  stores: { blocked: map<true>() },
  setup({ config, stores, uses, live, route, server, phase, log }) {
    const lists = new Map<string, ReadonlySet<string>>()
    const granted = phase(presenceGranted, 'observe')

    function listOf(account: Jid): Awaitable<ReadonlySet<string>> {
      return lists.get(account.text) ?? stores.blocked.keys(account.text).then(keys => keep(account, new Set(keys)))
    }

    function keep(account: Jid, list: ReadonlySet<string>): ReadonlySet<string> {
      lists.delete(account.text)
      lists.set(account.text, list)
      const oldest = lists.size > CACHED ? lists.keys().next().value : undefined
      if (oldest !== undefined) lists.delete(oldest)
      return list
    }

    function isBlocked(account: Jid, other: Jid): Awaitable<boolean> {
      return chain(listOf(account), list => {
        if (list.size === 0 || other.bare.equals(account)) return false
        // XEP-0191 §5: the address itself, then ever wider.
        return other.widening().some(jid => list.has(jid.text))
      })
    }

    async function block({ to: account, payload }: Request): Promise<undefined> {
      const jids = itemsOf(payload)
      if (jids.length === 0) throw new StanzaError('bad-request', 'Nobody to block')
      const list = await listOf(account)
      const more = new Set([...list, ...jids.map(({ text }) => text)])
      if (more.size > config.entries) throw new StanzaError('resource-constraint', 'The block list is full')
      // XEP-0191 §3.3: whoever sees the account sees it leave, before the block stops that too.
      for (const watcher of await watchersAmong(account, jids, list)) await tellGone(account, watcher)
      for (const jid of jids) await stores.blocked.set(account.text, jid.text, true)
      keep(account, more)
      await push(account, 'block', payload)
    }

    async function unblock({ to: account, payload }: Request): Promise<undefined> {
      const list = await listOf(account)
      const jids = payload.elements().length === 0 ? [...list].map(readAddress) : itemsOf(payload)
      for (const jid of jids) await stores.blocked.delete(account.text, jid.text)
      const gone = new Set(jids.map(({ text }) => text))
      const left = keep(account, new Set([...list].filter(text => !gone.has(text))))
      for (const contact of await watchersAmong(account, jids, left)) await observe(granted, { account, contact }, log)
      await push(account, 'unblock', payload)
    }

    /** The account's watchers whom these addresses cover, and `others` do not. */
    async function watchersAmong(account: Jid, jids: readonly Jid[], others: ReadonlySet<string>): Promise<Jid[]> {
      const covered = new Set(jids.map(({ text }) => text))
      const { watchers } = await uses.roster.view(account)
      return watchers.filter(
        ({ text, domain }) => (covered.has(text) || covered.has(domain)) && !others.has(text) && !others.has(domain),
      )
    }

    async function tellGone(account: Jid, to: Jid): Promise<void> {
      for (const { jid, presence } of await live.sessions(account)) {
        if (presence) await route(new Presence({ type: 'unavailable', from: jid, to }))
      }
    }

    async function push(account: Jid, name: string, { children }: Element): Promise<void> {
      const payload = el(name, NS).withChildren(children)
      for (const entry of await live.sessions(account)) {
        if (!entry.blocklist) continue
        const head = { type: 'set', id: `block-${entry.sid.slice(0, 6)}`, from: account, to: entry.jid } as const
        await server.router.toSession(entry, new Iq(head, Body.of([payload])))
      }
    }

    async function get({ to }: Request, { session }: Asked): Promise<Element> {
      await session?.update({ blocklist: true })
      return el(
        'blocklist',
        NS,
        null,
        [...(await listOf(to))].map(jid => el('item', NS, { jid })),
      )
    }

    function guardIn({ stanza, account }: Inbound): Awaitable<Verdict> {
      if (!stanza.from) return
      return chain(isBlocked(account, stanza.from), blocked => (blocked ? refuse(stanza) : undefined))
    }

    function guardOut({ stanza, session }: Outbound): Awaitable<Verdict> {
      const to = stanza.to
      if (!to || (stanza.name === 'presence' && stanza.type === 'unavailable')) return
      return chain(isBlocked(session.account, to), blocked => {
        if (!blocked) return undefined
        throw new StanzaError('not-acceptable', 'You have blocked this address', {
          type: 'cancel',
          extra: [el('blocked', ERRORS)],
        })
      })
    }

    return {
      iq: [
        iqGet('self', NS, 'blocklist', get),
        iqSet('self', NS, 'block', block),
        iqSet('self', NS, 'unblock', unblock),
      ],
      on: [
        on(inbound, 'guard', guardIn),
        on(outbound, 'guard', guardOut),
        on(accountRemoved, 'observe', ({ account }) => void lists.delete(account.text)),
      ],
      api: { isBlocked } satisfies Blocking,
    }
  },
})

/** XEP-0191 §3.3: messages and requests are refused as if nobody were there; presence is dropped without a word. */
function refuse(stanza: Stanza): Verdict {
  if (stanza.name === 'presence' || stanza.type === 'error' || stanza.type === 'result') return { drop: 'blocked' }
  throw new StanzaError('service-unavailable')
}

function itemsOf(payload: Element): Jid[] {
  return payload.childrenNamed('item').map(item => readAddress(item.attrs['jid']))
}
