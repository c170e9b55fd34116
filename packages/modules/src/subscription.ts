import { Jid } from '@parley/jid'
import { Presence, parseStanza } from '@parley/stanza'
import type { RosterItem } from '@parley/store'
import {
  accountRemoved,
  becameAvailable,
  decide,
  defineHook,
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
  Transit,
  type Verdict,
} from '@xmpp/server-core'
import roster, { rosterRemoved } from './roster.ts'
import {
  applyChange,
  inboundStates,
  isSubscriptionType,
  type Outcome,
  outboundStates,
  type SubscriptionType,
} from './subscription-states.ts'

export interface Granted {
  readonly account: Jid
  readonly contact: Jid
}

/** The contact may see the account's presence from now on: it is sent at once (RFC 6121 §3.1.5). */
export const presenceGranted = defineHook<Granted>()('presence-granted', 'observe')
/** The contact may not see it any more: it is told that everybody left (RFC 6121 §3.2.2, §3.3.3). */
export const presenceRevoked = defineHook<Granted>()('presence-revoked', 'observe')

/** A longer request is kept without what it carries. */
const REQUEST_LENGTH = 4096

type Event<E> = Omit<E, 'stanza'> & { readonly stanza: Presence }

/** Requests to see presence, and what comes of them (RFC 6121 §3, appendix A). */
export default defineModule({
  name: 'subscription',
  rfcs: [{ rfc: 6121, sections: ['3.1', '3.2', '3.3', '3.4', 'A.2', 'A.3'] }],
  uses: { roster },
  config: { requests: integer(100, 1, 10_000, 'requests that may wait for the answer of one account') },
  setup({ config, host, uses: { roster }, phase, log, route, live, server }) {
    const granted = phase(presenceGranted, 'observe')
    const revoked = phase(presenceRevoked, 'observe')

    /** Moves one row through a state table; tells what came of it. */
    async function move(
      account: Jid,
      contact: Jid,
      next: (item: RosterItem) => Outcome,
      list: boolean,
    ): Promise<Outcome & Moved> {
      let outcome: Outcome = { pass: false }
      let before: RosterItem | undefined
      const after = await roster.change(account, contact, item => {
        before = item
        outcome = next(item)
        if (!outcome.change) return undefined
        const changed = applyChange(item, outcome.change, 'pendingIn' in outcome.change)
        return list ? { ...changed, listed: true } : changed
      })
      return { ...outcome, before: before ?? after, after }
    }

    /** RFC 6121 §3.1.2: a subscription stanza goes from bare JID to bare JID. */
    async function send({ stanza, session }: Event<Outbound>): Promise<Verdict> {
      if (!isSubscriptionType(stanza.type)) return
      const account = session.account
      const contact = (stanza.to ?? account).bare
      if (contact.equals(account)) return { drop: 'a subscription to oneself' }
      // Who shares a group sees each other without asking, for as long as they do.
      if ((await roster.view(account)).isShared(contact)) return { drop: 'a subscription inside a group' }
      const type = stanza.type
      const request = stanza.with({ from: account, to: contact })
      const moved = await move(account, contact, outboundStates[type], type === 'subscribe' || type === 'subscribed')
      if (moved.pass) await route(request)
      await tellPresence(account, contact, moved)
      return HANDLED
    }

    async function receive({ stanza, account }: Event<Inbound>): Promise<Verdict> {
      const type = stanza.type
      if (!isSubscriptionType(type)) return
      if (!stanza.from) return { drop: 'from nobody' }
      const contact = stanza.from.bare
      const view = await roster.view(account)
      if (view.isShared(contact)) return { drop: 'a subscription inside a group' }
      const request = stanza.with({ from: contact, to: account })
      if (type === 'subscribe') {
        if (await approvedAlready(account, contact, request)) return HANDLED
        if (view.requests.length >= config.requests && view.own(contact).pendingIn === undefined)
          return { drop: 'too many requests wait already' }
      }
      const moved = await move(account, contact, item => inboundStates[type](item, kept(request)), false)
      if (moved.pass) await deliver(account, request, type)
      await tellPresence(account, contact, moved)
      return HANDLED
    }

    /** RFC 6121 §3.1.3, §3.4.2: who may see presence already, or was approved in advance, is answered by the server. */
    async function approvedAlready(account: Jid, contact: Jid, { id }: Presence): Promise<boolean> {
      let answer = false
      const moved = await move(
        account,
        contact,
        item => {
          answer = item.approved || item.subscription === 'from' || item.subscription === 'both'
          if (!item.approved) return { pass: false }
          return outboundStates.subscribed({ ...item, pendingIn: '' })
        },
        false,
      )
      if (!answer) return false
      await route(new Presence({ type: 'subscribed', from: account, to: contact, id }))
      await tellPresence(account, contact, moved)
      return true
    }

    async function tellPresence(account: Jid, contact: Jid, { before, after }: Moved): Promise<void> {
      const was = maySee(before)
      const is = maySee(after)
      if (is && !was) await observe(granted, { account, contact }, log)
      if (was && !is) await observe(revoked, { account, contact }, log)
    }

    /** To the clients that deal with contacts: those that are available, and for answers those that have the roster. */
    async function deliver(account: Jid, stanza: Presence, type: SubscriptionType): Promise<void> {
      for (const entry of await live.sessions(account)) {
        const listens = type === 'subscribe' ? entry.presence !== undefined : entry.interested
        if (listens) await server.router.toSession(entry, stanza)
      }
    }

    /** RFC 6121 §3.1.3: a request is shown at each login until it is answered, unless its sender is blocked by now. */
    async function showPending({ session }: { session: Outbound['session'] }): Promise<void> {
      const { account } = session
      for (const { pendingIn } of (await roster.view(account)).requests) {
        const stanza = parseStanza(pendingIn!)
        const event: Inbound = { stanza, account, transit: new Transit() }
        if (await decide(host.inbound.guard, event)) await session.send(event.stanza)
      }
    }

    /** RFC 6121 §2.5.2: who leaves the roster loses both directions. */
    async function leave({ account, contact, item }: { account: Jid; contact: Jid; item: RosterItem }): Promise<void> {
      const to = contact
      if (item.subscription === 'to' || item.subscription === 'both' || item.ask) {
        await route(new Presence({ type: 'unsubscribe', from: account, to }))
      }
      if (maySee(item) || item.pendingIn !== undefined) {
        await route(new Presence({ type: 'unsubscribed', from: account, to }))
        if (maySee(item)) await observe(revoked, { account, contact }, log)
      }
    }

    /** XEP-0077 §3.2: an account that is gone leaves no subscriptions behind. */
    async function leaveAll({ account }: { account: Jid }): Promise<void> {
      for (const { contact } of (await roster.view(account)).items.values()) {
        const address = Jid.parse(contact)
        await leave({ account, contact: address, item: (await roster.view(account)).own(address) })
      }
    }

    return {
      on: [
        on(outbound, 'send', only('presence', send)),
        on(inbound, 'deliver', only('presence', receive)),
        on(becameAvailable, 'observe', showPending),
        on(rosterRemoved, 'observe', leave),
        on(accountRemoved, 'observe', leaveAll),
      ],
    }
  },
})

interface Moved {
  readonly before: RosterItem
  readonly after: RosterItem
}

function maySee({ subscription }: RosterItem): boolean {
  return subscription === 'from' || subscription === 'both'
}

function kept(request: Presence): string {
  const xml = request.toXml()
  return xml.length <= REQUEST_LENGTH ? xml : request.withChildren([]).toXml()
}
