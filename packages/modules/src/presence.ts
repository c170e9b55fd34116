import type { Jid } from '@parley/jid'
import { type Ended, LIVE_LIMITS, type PresenceState, type SessionEntry } from '@parley/live'
import { Body, NS, Presence, StanzaError } from '@parley/stanza'
import {
  type Awaitable,
  becameAvailable,
  becomingAvailable,
  chain,
  defineModule,
  HANDLED,
  type Inbound,
  inbound,
  integer,
  type Outbound,
  observe,
  on,
  only,
  outbound,
  type Session,
  sessionEnded,
  sessionResumed,
  Throttle,
  type Verdict,
} from '@xmpp/server-core'
import blocking from './blocking.ts'
import roster from './roster.ts'
import type { RosterView } from './roster-view.ts'
import { oneByOne, toAll } from './slices.ts'
import subscription, { type Granted, presenceGranted, presenceRevoked } from './subscription.ts'

type Event<E> = Omit<E, 'stanza'> & { readonly stanza: Presence }

/** Who is there (RFC 6121 §4): broadcast, probes, directed presence, and what a session leaves behind. */
export default defineModule({
  name: 'presence',
  rfcs: [{ rfc: 6121, sections: ['4.2', '4.3', '4.4', '4.5', '4.6', '4.7', '8.5'] }],
  uses: { roster, subscription, blocking },
  config: { changes: integer(120, 0, 100_000, 'changes of presence that one session may announce a minute; 0 = any') },
  setup({ config, uses: { roster, blocking }, phase, log, route, live, server, host, clock }) {
    const becoming = phase(becomingAvailable, 'observe')
    const available = phase(becameAvailable, 'observe')
    const changes = new Throttle(clock, config.changes)

    // ── what a client sends ──

    function send({ stanza, session, transit }: Event<Outbound>): Awaitable<Verdict> {
      if (stanza.type !== 'available' && stanza.type !== 'unavailable') return
      if (stanza.to) return direct(stanza, session)
      const state = stanza.type === 'available' ? stateOf(stanza, clock.now()) : undefined
      // One change reaches every contact, so a session is slower with them than with other stanzas.
      if (state && !changes.take(session.sid)) {
        throw new StanzaError('resource-constraint', 'Your presence changes too often')
      }
      return chain(roster.view(session.account), view => {
        transit.effect(() => announce(session, stanza, state, view))
        return HANDLED
      })
    }

    /** RFC 6121 §4.2, §4.4, §4.5: to contacts who may see it, and to the account's own clients. */
    function announce(
      session: Session,
      stanza: Presence,
      state: PresenceState | undefined,
      view: RosterView,
    ): Awaitable<void> {
      const was = session.entry.presence
      const arranged = state && !was ? observe(becoming, { session, priority: state.priority }, log) : undefined
      const updated = chain(arranged, () => session.update({ presence: state }))
      return chain(updated, () => {
        if (state && !was) return initial(session, stanza, view)
        // Nobody needs to hear that somebody leaves who never came.
        const told = state || was ? broadcast(session.jid, stanza, view) : undefined
        if (!state) return chain(told, () => leaveDirected(session, stanza, was ? view : undefined))
        return told
      })
    }

    /** A node died before it had told and asked everybody that the session is there: this one begins again. */
    function resumed({ session }: { readonly session: Session }): void {
      const { catchingUp, presence } = session.entry
      if (!catchingUp || !presence) return
      // The client does not wait for it: it hears that it is back at once.
      const again = chain(roster.view(session.account), view =>
        initial(session, presenceOf(session.entry, session.account), view),
      )
      server.finish(host, again)
    }

    function broadcast(from: Jid, stanza: Presence, view: RosterView): Awaitable<void> {
      const news = stanza.with({ from })
      // RFC 6121 §4.2.2: the account's own available resources too, the sender included.
      return chain(blocking.without(from.bare, view.watchers), watchers =>
        toAll([...watchers, from.bare], to => route(news.addressed(to))),
      )
    }

    /** RFC 6121 §4.2.2, §4.3.1: the first presence of a session asks for everybody else's. */
    async function initial(session: Session, presence: Presence, view: RosterView): Promise<void> {
      try {
        await broadcast(session.jid, presence, view)
        await ask(session, view)
      } finally {
        // Whoever may be reached now gets what waits, whatever could not be told to others.
        await observe(available, { session, presence }, log)
      }
    }

    async function ask(session: Session, view: RosterView): Promise<void> {
      for (const other of await live.sessions(session.account)) {
        if (other.presence && other.sid !== session.sid) await session.send(presenceOf(other, session.jid))
      }
      const watched = await blocking.without(session.account, view.watched)
      await oneByOne(watched, contact => probe(session, contact))
    }

    /** A contact of this server who is away needs no probe: there is nothing to tell. */
    async function probe(session: Session, contact: Jid): Promise<void> {
      const local = server.router.hosts.has(contact.domain)
      if (local && (await live.sessions(contact)).length === 0) return
      await route(new Presence({ type: 'probe', from: session.jid, to: contact }))
    }

    /** RFC 6121 §4.6.3: remembered for those who would not hear of the end by broadcast. */
    function direct({ to, type }: Presence, session: Session): Awaitable<undefined> {
      const { sid, account } = session
      return chain(roster.mayWatch(account, to!), watches => {
        if (watches && to!.isBare && session.entry.presence) return undefined
        if (type === 'unavailable') return chain(live.direct(sid, to!, false), () => undefined)
        return chain(live.directed(sid), known => {
          if (known.length >= LIVE_LIMITS.directed && !known.some(other => other.equals(to!)))
            throw new StanzaError('resource-constraint', 'Directed presence to too many addresses')
          return chain(live.direct(sid, to!, true), () => undefined)
        })
      })
    }

    // ── what comes for an account ──

    function receive({ stanza, account }: Event<Inbound>): Awaitable<Verdict> {
      switch (stanza.type) {
        case 'available':
        case 'unavailable':
          return chain(deliver(account, stanza), () => HANDLED)
        case 'probe':
          return answerProbe(account, stanza).then(() => HANDLED)
        case 'error':
          return chain(stanza.to?.isBare === false ? deliver(account, stanza) : undefined, () => HANDLED)
        default:
          return undefined
      }
    }

    /** RFC 6121 §8.5.2.1.2, §8.5.3.1: every available resource, or the one that is named. */
    function deliver(account: Jid, stanza: Presence): Awaitable<void> {
      const to = stanza.to ?? account
      return chain(live.sessions(account), entries => {
        const wanted = entries.filter(entry => (to.isBare ? entry.presence !== undefined : entry.jid.equals(to)))
        return toAll(wanted, entry => server.router.toSession(entry, stanza))
      })
    }

    /** RFC 6121 §4.3.2 */
    async function answerProbe(account: Jid, { from, to }: Presence): Promise<void> {
      const prober = from!
      const own = prober.bare.equals(account)
      if (!own && !(await roster.mayWatch(account, prober))) {
        return route(new Presence({ type: 'unsubscribed', from: account, to: prober.bare }))
      }
      const there = (await live.sessions(account)).filter(entry => entry.presence !== undefined)
      const asked = to?.isBare === false ? there.filter(entry => entry.jid.equals(to)) : there
      for (const entry of asked) await route(presenceOf(entry, prober))
      if (there.length === 0) await route(new Presence({ type: 'unavailable', from: account, to: prober }))
    }

    // ── what subscriptions and ends bring ──

    async function grant({ account, contact }: Granted): Promise<void> {
      if (await blocking.isBlocked(account, contact)) return
      for (const entry of await live.sessions(account)) if (entry.presence) await route(presenceOf(entry, contact))
    }

    async function revoke({ account, contact }: Granted): Promise<void> {
      if (await blocking.isBlocked(account, contact)) return
      for (const { jid, presence } of await live.sessions(account)) {
        if (presence) await route(new Presence({ type: 'unavailable', from: jid, to: contact }))
      }
    }

    /** RFC 6121 §4.5.4: who hears nothing any more is told. */
    async function ended({ entry, directed }: Ended): Promise<void> {
      const gone = new Presence({ type: 'unavailable', from: entry.jid })
      changes.forgive(entry.sid)
      const view = entry.presence && (await roster.view(entry.jid.bare))
      // An end may be found late: the client may be there again under the same address.
      const again = await live.session(entry.jid)
      if (view && !again?.presence) await broadcast(entry.jid, gone, view)
      await tellDirected(directed, gone, view)
    }

    /** RFC 6121 §4.6.4: unavailable presence goes to those who had directed presence too. */
    async function leaveDirected({ sid }: Session, stanza: Presence, told: RosterView | undefined): Promise<void> {
      const directed = await live.directed(sid)
      for (const to of directed) await live.direct(sid, to, false)
      await tellDirected(directed, stanza, told)
    }

    /** Each hears it once: `told` is the roster whose watchers have heard it by broadcast. */
    async function tellDirected(directed: readonly Jid[], gone: Presence, told: RosterView | undefined): Promise<void> {
      const watchers = new Set(told?.watchers.map(({ text }) => text))
      for (const to of directed) {
        const heard = watchers.has(to.bare.text) && (to.isBare || (await live.session(to))?.presence !== undefined)
        if (!heard) await route(gone.addressed(to))
      }
    }

    return {
      on: [
        on(outbound, 'send', only('presence', send)),
        on(inbound, 'deliver', only('presence', receive)),
        on(presenceGranted, 'observe', grant),
        on(presenceRevoked, 'observe', revoke),
        on(sessionResumed, 'observe', resumed),
        on(sessionEnded, 'observe', ended),
      ],
    }
  },
})

function presenceOf({ jid, presence }: SessionEntry, to: Jid): Presence {
  return new Presence({ type: 'available', from: jid, to }, Body.fromXml(presence?.xml ?? ''))
}

const SHOWS: ReadonlySet<string> = new Set(['away', 'chat', 'dnd', 'xa'])

/** @throws StanzaError where show or priority are not what RFC 6121 §4.7.2 allows */
function stateOf(presence: Presence, now: number): PresenceState {
  const show = presence.textOf('show', NS.client) ?? ''
  if (show !== '' && !SHOWS.has(show)) throw new StanzaError('bad-request', 'Unknown value of show')
  const text = presence.textOf('priority', NS.client)?.trim() ?? '0'
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(priority) || priority < -128 || priority > 127) {
    throw new StanzaError('bad-request', 'The priority is a whole number from -128 to 127')
  }
  return { priority, show, xml: presence.body.xml, since: now }
}
