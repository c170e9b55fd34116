import type { Jid } from '@parley/jid'
import { Body, Iq, Presence, readAddress, type Stanza, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Asked,
  type Awaitable,
  accountRemoved,
  chain,
  defineHook,
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
import { ToldCache } from './told-cache.ts'
import { Turns } from './turns.ts'

const NS = 'urn:xmpp:blocking'
const ERRORS = 'urn:xmpp:blocking:errors'
/** Tells the other nodes whose list has changed. */
const CHANGED = 'blocked'
/** Block lists in memory; the one used longest ago goes first. */
const CACHED = 20_000
/** What an index of the store takes, with some room. */
const ADDRESS_BYTES = 1600

/** An account has blocked somebody; `item` is what it has said about that. */
export const accountBlocked = defineHook<{ readonly account: Jid; readonly other: Jid; readonly item: Element }>()(
  'account-blocked',
  'observe',
)

export interface Blocking {
  isBlocked(account: Jid, other: Jid): Awaitable<boolean>
  /** Those of `others` whom the account has not blocked. */
  without(account: Jid, others: readonly Jid[]): Awaitable<readonly Jid[]>
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
    const granted = phase(presenceGranted, 'observe')
    const blocked = phase(accountBlocked, 'observe')
    const turns = new Turns()
    const stored = async (account: string): Promise<ReadonlySet<string>> => new Set(await stores.blocked.keys(account))
    const lists = new ToldCache(CACHED, stored)
    server.hear(CHANGED, account => lists.forget(account))

    /** Another node may have changed it just now too: what both wrote is what the store has. */
    function changed(account: Jid): Awaitable<ReadonlySet<string>> {
      lists.forget(account.text)
      live.tell(CHANGED, account.text)
      return lists.get(account.text)
    }

    function isBlocked(account: Jid, other: Jid): Awaitable<boolean> {
      return chain(lists.get(account.text), list => covers(list, account, other))
    }

    function without(account: Jid, others: readonly Jid[]): Awaitable<readonly Jid[]> {
      return chain(lists.get(account.text), list =>
        list.size === 0 ? others : others.filter(other => !covers(list, account, other)),
      )
    }

    async function block(account: Jid, payload: Element): Promise<undefined> {
      const jids = itemsOf(payload)
      if (jids.length === 0) throw new StanzaError('bad-request', 'Nobody to block')
      if (jids.some(({ text }) => Buffer.byteLength(text) > ADDRESS_BYTES))
        throw new StanzaError('not-acceptable', 'The address is too long to block')
      const list = await lists.get(account.text)
      const more = new Set([...list, ...jids.map(({ text }) => text)])
      if (more.size > config.entries) throw new StanzaError('resource-constraint', 'The block list is full')
      // XEP-0191 §3.3: whoever sees the account sees it leave, before the block stops that too.
      const seeing = await watchersAmong(account, jids)
      for (const watcher of seeing) if (!covers(list, account, watcher)) await tellGone(account, watcher)
      for (const jid of jids) await stores.blocked.set(account.text, jid.text, true)
      await changed(account)
      await push(account, 'block', payload)
      for (const item of payload.childrenNamed('item'))
        await observe(blocked, { account, other: readAddress(item.attrs['jid']), item }, log)
    }

    async function unblock(account: Jid, payload: Element): Promise<undefined> {
      const list = await lists.get(account.text)
      const jids = payload.elements().length === 0 ? [...list].map(readAddress) : itemsOf(payload)
      for (const jid of jids) await stores.blocked.delete(account.text, jid.text)
      const left = await changed(account)
      // XEP-0191 §3.4
      for (const contact of await watchersAmong(account, jids)) {
        const again = covers(list, account, contact) && !covers(left, account, contact)
        if (again) await observe(granted, { account, contact }, log)
      }
      await push(account, 'unblock', payload)
    }

    /** Those whom the addresses name, and who may see the account: contacts, or one resource of a contact. */
    async function watchersAmong(account: Jid, jids: readonly Jid[]): Promise<readonly Jid[]> {
      const { watchers } = await uses.roster.view(account)
      const named = new Set(jids.map(({ text }) => text))
      const whole = watchers.filter(contact => covers(named, account, contact))
      const bares = new Set(watchers.map(({ text }) => text))
      return [...whole, ...jids.filter(jid => !jid.isBare && jid.local !== '' && bares.has(jid.bare.text))]
    }

    async function tellGone(account: Jid, to: Jid): Promise<void> {
      for (const { jid, presence } of await live.sessions(account)) {
        if (presence) await route(new Presence({ type: 'unavailable', from: jid, to }))
      }
    }

    /** What else is said of somebody (XEP-0377) is for the server alone. */
    async function push(account: Jid, name: string, asked: Element): Promise<void> {
      const items = asked.childrenNamed('item').map(item => item.withChildren([]))
      const payload = el(name, NS).withChildren(items)
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
        [...(await stored(to.text))].map(jid => el('item', NS, { jid })),
      )
    }

    function guardIn({ stanza, account }: Inbound): Awaitable<Verdict> {
      if (!stanza.from) return
      // XEP-0191 §3.3: pushes come from the server alone.
      const forged = stanza.name === 'iq' && stanza.isRequest && stanza.to?.isBare === false && stanza.payload.ns === NS
      if (forged) throw new StanzaError('service-unavailable')
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
        iqSet('self', NS, 'block', ({ to, payload }) => turns.take(to.text, () => block(to, payload))),
        iqSet('self', NS, 'unblock', ({ to, payload }) => turns.take(to.text, () => unblock(to, payload))),
      ],
      on: [
        on(inbound, 'guard', guardIn),
        on(outbound, 'guard', guardOut),
        on(accountRemoved, 'observe', ({ account }) => lists.forget(account.text)),
      ],
      api: { isBlocked, without } satisfies Blocking,
    }
  },
})

/** XEP-0191 §5: the address itself, then ever wider. An account's own resources and its server cannot be blocked. */
function covers(list: ReadonlySet<string>, account: Jid, other: Jid): boolean {
  if (list.size === 0 || other.bare.equals(account) || other.text === account.domain) return false
  return other.widening().some(jid => list.has(jid.text))
}

/** XEP-0191 §3.3: messages and requests are refused as if nobody were there; presence is dropped without a word. */
function refuse(stanza: Stanza): Verdict {
  // A headline for nobody is dropped too (RFC 6121 §8.5.3.2.1).
  if (stanza.name === 'presence' || ['error', 'result', 'headline'].includes(stanza.type)) return { drop: 'blocked' }
  throw new StanzaError('service-unavailable')
}

function itemsOf(payload: Element): Jid[] {
  return payload.childrenNamed('item').map(item => readAddress(item.attrs['jid']))
}
