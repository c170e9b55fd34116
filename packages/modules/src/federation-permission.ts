import type { Jid } from '@parley/jid'
import { Body, Presence, type Stanza, StanzaError } from '@parley/stanza'
import {
  type Awaitable,
  chain,
  defineModule,
  type Inbound,
  inbound,
  type Leaving,
  leaving,
  type Outbound,
  on,
  outbound,
  type Session,
  sessionEnded,
  sessionOpened,
  sessionResumed,
  type Verdict,
} from '@xmpp/server-core'
import policies, { policiesChanged } from './policies.ts'
import roster from './roster.ts'
import { oneByOne } from './slices.ts'
import { Turns } from './turns.ts'

/** Whether accounts talk with other domains, by the policy `federation`. For one that does not, nobody there is to be seen. */
export default defineModule({
  name: 'federation-permission',
  uses: { policies, roster },
  setup({ uses: { policies, roster }, host, live, route, server }) {
    policies.declare({ name: 'federation', fallback: true, help: 'whether it talks with other domains' })
    const { router } = server
    const isElsewhere = ({ domain }: Jid) => !router.has(domain)
    const may = (account: Jid): Awaitable<boolean> => chain(policies.effective('federation', account), r => r.value)
    /** Accounts with sessions here that may not, and what they say to those who saw them. */
    const denied = new Set<string>()
    const turns = new Turns()
    const farewells = new WeakSet<Stanza>()

    function guardOut({ stanza, session }: Outbound): Awaitable<Verdict> {
      const { to } = stanza
      if (!to || !isElsewhere(to) || ends(stanza)) return
      return chain(may(session.account), yes => {
        if (yes) return undefined
        throw new StanzaError('policy-violation', 'You may not talk with other domains', { type: 'cancel' })
      })
    }

    /** What the server says for the account: presence, probes, news. */
    function guardLeaving({ stanza, account }: Leaving): Awaitable<Verdict> {
      if (ends(stanza) || farewells.has(stanza)) return
      return chain(may(account), yes => (yes ? undefined : { drop: 'may not talk with other domains' }))
    }

    function guardIn({ stanza, account }: Inbound): Awaitable<Verdict> {
      const { from } = stanza
      if (!from || !isElsewhere(from)) return
      return chain(may(account), yes => (yes ? undefined : refuse(stanza, account)))
    }

    /** As if nobody were there (RFC 6121 §8.5.1). What ends is told, so that rosters say what is so. */
    function refuse(stanza: Stanza, account: Jid): Awaitable<Verdict> {
      const { type, from } = stanza
      if (stanza.name !== 'presence') {
        if (type === 'error' || type === 'result' || type === 'headline') return { drop: 'may not hear other domains' }
        throw new StanzaError('service-unavailable')
      }
      if (ends(stanza) || type === 'unavailable') return
      const drop = { drop: 'may not hear other domains' }
      if (type !== 'probe') return drop
      return chain(route(new Presence({ type: 'unsubscribed', from: account, to: from?.bare })), () => drop)
    }

    function opened({ session }: { readonly session: Session }): Awaitable<void> {
      return chain(may(session.account), yes => {
        if (!yes) denied.add(session.account.text)
      })
    }

    function ended(account: Jid): void {
      const others = [...server.sessions.values()].some(session => session.account.equals(account))
      if (!others) denied.delete(account.text)
    }

    /** Those who lose the permission leave, for others; those who have it again come back. */
    async function changed(account: Jid | undefined): Promise<void> {
      const all = [...server.sessions.values()].filter(session => session.host === host)
      const sessions = account ? all.filter(session => session.account.equals(account)) : all
      const was = new Set(denied)
      await oneByOne(sessions, async session => {
        const { text } = session.account
        const isDenied = !(await may(session.account))
        if (isDenied === was.has(text)) return
        if (isDenied) denied.add(text)
        else denied.delete(text)
        await (isDenied ? leave(session) : comeBack(session))
      })
    }

    async function leave(session: Session): Promise<void> {
      const { watchers, watched } = await roster.view(session.account)
      const directed = (await live.directed(session.sid)).filter(isElsewhere)
      for (const to of [...(session.entry.presence ? watchers.filter(isElsewhere) : []), ...directed]) {
        const farewell = new Presence({ type: 'unavailable', from: session.jid, to })
        farewells.add(farewell)
        await route(farewell)
      }
      for (const to of directed) await live.direct(session.sid, to, false)
      for (const from of watched.filter(isElsewhere))
        await session.send(new Presence({ type: 'unavailable', from, to: session.jid }))
    }

    async function comeBack({ jid, account, entry: { presence } }: Session): Promise<void> {
      if (!presence) return
      const { watchers, watched } = await roster.view(account)
      const body = Body.fromXml(presence.xml)
      for (const to of watchers.filter(isElsewhere))
        await route(new Presence({ type: 'available', from: jid, to }, body))
      for (const to of watched.filter(isElsewhere)) await route(new Presence({ type: 'probe', from: jid, to }))
    }

    return {
      on: [
        on(outbound, 'guard', guardOut),
        on(leaving, 'guard', guardLeaving),
        on(inbound, 'guard', guardIn),
        on(sessionOpened, 'observe', opened),
        on(sessionResumed, 'observe', opened),
        on(sessionEnded, 'observe', ({ entry }) => ended(entry.jid.bare)),
        on(policiesChanged, 'observe', ({ account }) => turns.take('', () => changed(account))),
      ],
    }
  },
})

/** Answers that refuse, and the end of a subscription, tell nothing that an account that is not there would not. */
function ends({ name, type }: Stanza): boolean {
  return type === 'error' || (name === 'presence' && (type === 'unsubscribe' || type === 'unsubscribed'))
}
