import type { Jid } from '@parley/jid'
import type { Ended, Packet, SessionEntry } from '@parley/live'
import type { Message, Presence, Stanza } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { defineHook } from './hooks.ts'
import type { Session } from './session.ts'
import type { Transit } from './transit.ts'

/** A stanza for an account of this host. Fired once per recipient account. */
export interface Inbound {
  stanza: Stanza
  /** The bare JID of the recipient; the account exists. */
  readonly account: Jid
  readonly transit: Transit
  /** Set by the message log: the id under which the recipient's archive has it. */
  archiveId?: bigint
  /** The row is owed to the account until a session takes it. */
  owed?: boolean
}

/** A stanza that a session of this host sent. */
export interface Outbound {
  stanza: Stanza
  readonly session: Session
  readonly transit: Transit
  /** Set by the message log: the id under which the sender's archive has it. */
  archiveId?: bigint
}

/**
 * `guard` and `rewrite` decide (an error refuses), `store` hands rows to the log and opens gates, `copy` makes carbons,
 * `deliver` brings it to sessions.
 */
export const inbound = defineHook<Inbound>()('inbound', 'guard', 'rewrite', 'store', 'copy', 'deliver')
/** As {@link inbound}; a listener at `send` may take over what would be routed. */
export const outbound = defineHook<Outbound>()('outbound', 'guard', 'rewrite', 'store', 'copy', 'send')

/** A resource has been bound (RFC 6120 §7). */
export const sessionOpened = defineHook<{ readonly session: Session }>()('session-opened', 'observe')
/** A session took its stream over again (XEP-0198 §5). */
export const sessionResumed = defineHook<{ readonly session: Session }>()('session-resumed', 'observe')
/** A session is over; its leftovers are to be finished. */
export const sessionEnded = defineHook<Ended>()('session-ended', 'observe')
/** A packet came for a session that had gone by then. */
export const strayed = defineHook<{ readonly account: Jid; readonly packet: Packet }>()('strayed', 'observe')
/** What came for a session lately may have been missed: the log knows. */
export const maybeMissed = defineHook<{ readonly entry: SessionEntry }>()('maybe-missed', 'observe')
/** A session is about to be available: what must be arranged before anybody can reach it. */
export const becomingAvailable = defineHook<{
  readonly session: Session
  readonly priority: number
}>()('becoming-available', 'observe')
/** A session is available for the first time (RFC 6121 §4.2). */
export const becameAvailable = defineHook<{
  readonly session: Session
  readonly presence: Presence
}>()('became-available', 'observe')

/** A line in a room that an account of this host belongs to, and has no client in. */
export interface MissedInRoom {
  readonly account: Jid
  readonly room: Jid
  /** As those heard it who were there. */
  readonly message: Message
  /** The id under which the room's archive has it, if that has it. */
  readonly archiveId: bigint | undefined
  readonly isMentioned: boolean
  /** Whether the account's settings (XEP-0492) and block list let it be told. Reads the store: ask where it matters. */
  wanted(): Promise<boolean>
}
/** Every line is told, to whoever wakes the clients of those who are away; it waits until the listeners are done. */
export const missedInRoom = defineHook<MissedInRoom>()('missed-in-room', 'observe')

/**
 * A stanza of an account of this host, or of the server in its name, on its way to another domain. Listeners refuse it, drop
 * it or put another in its place.
 */
export interface Leaving {
  stanza: Stanza
  readonly account: Jid
}
export const leaving = defineHook<Leaving>()('leaving', 'guard')

/** Whether an account of this host knows somebody: who finds that it does says so. */
export interface Acquaintance {
  readonly account: Jid
  /** A bare JID. */
  readonly other: Jid
  known: boolean
}
export const acquaintance = defineHook<Acquaintance>()('acquaintance', 'observe')

/** An account of this host has reported somebody to the operators. */
export const reported = defineHook<{ readonly account: Jid; readonly other: Jid }>()('reported', 'observe')

export interface AccountEvent {
  readonly account: Jid
}
export const accountCreated = defineHook<AccountEvent>()('account-created', 'observe')
export const accountRemoved = defineHook<AccountEvent>()('account-removed', 'observe')
/** Password changed, account disabled: old logins must not live on, but for the session that made the change. */
export const accountSecured = defineHook<AccountEvent & { readonly except: string | undefined }>()(
  'account-secured',
  'observe',
)

/** Bind 2 and SASL2 let modules answer inline (XEP-0386 §4, XEP-0388 §2.6). */
export interface Inline {
  readonly session: Session
  readonly request: Element
  readonly response: Element[]
}
export const bound2 = defineHook<Inline>()('bound2', 'observe')
