import { randomBytes } from 'node:crypto'
import type { Packet } from '@parley/live'
import { type Message, NS, type Presence, type Stanza } from '@parley/stanza'
import type { Element } from '@parley/xml'
import type { Transit } from './transit.ts'

/** Where the message log has a stanza. */
export interface LogMark {
  readonly id: bigint
  readonly owed: boolean
  /** Read from the log for somebody who was away. */
  readonly late?: boolean
}

/** Ids of deliveries that no log knows: they must differ from those of other nodes. */
const ORIGIN = randomBytes(6).toString('base64url')
let delivered = 0

/**
 * The id of a delivery of what a session sent, the same when the session sends it again because it heard of no
 * acknowledgement (XEP-0198 §5); undefined where stanzas are not counted.
 */
export function midOf(transit: Transit): string | undefined {
  const { session, k } = transit
  if (k === 0) return undefined
  const sid = session?.sid ?? transit.origin?.sid
  return sid && `${sid}:${k}`
}

/** A stanza, serialised once, with what a session must know of it. */
export function packetOf(stanza: Stanza, log?: LogMark, repeatable?: string): Packet {
  const xml = stanza.toXml()
  const mid = log ? log.id.toString(36) : (repeatable ?? `${ORIGIN}-${(++delivered).toString(36)}`)
  switch (stanza.name) {
    case 'presence':
      if (!isNews(stanza)) return { xml, mid, urgency: 'now' }
      return { xml, mid, urgency: 'later', replaces: `presence ${stanza.from?.text}` }
    case 'message': {
      const packet: Packet = { xml, mid, urgency: urgencyOf(stanza), leftover: 'message' }
      if (!log?.owed) return packet
      return log.late ? { ...packet, owed: log.id, fromLog: true } : { ...packet, owed: log.id }
    }
    default:
      return stanza.isRequest ? { xml, mid, urgency: 'now', leftover: 'request' } : { xml, mid, urgency: 'now' }
  }
}

const CHAT_STATES = 'http://jabber.org/protocol/chatstates'
const PUBSUB_EVENT = 'http://jabber.org/protocol/pubsub#event'
const MARKERS = 'urn:xmpp:chat-markers:0'
const RECEIPTS = 'urn:xmpp:receipts'
/** XEP-0490: what another client of the user has shown; it takes notifications away. */
const DISPLAYED = 'urn:xmpp:mds:displayed:0'
const MUC_USER = 'http://jabber.org/protocol/muc#user'
/** XEP-0045 §7.2.2: presence of the recipient's own in a room; it ends joining, and tells of being thrown out. */
const SELF = '110'

/** Whether a presence only says how somebody is: the latest is enough, and it can wait. */
function isNews(presence: Presence): boolean {
  if (presence.type !== 'available' && presence.type !== 'unavailable') return false
  const occupant = presence.child('x', MUC_USER)
  return !occupant?.childrenNamed('status').some(status => status.attrs['code'] === SELF)
}

/**
 * XEP-0352 §3.2: a quiet client is left alone for what its user would not look at: typing, that something has been received
 * or read, news of avatars and the like. Whatever may carry content (a body, something encrypted, a call) comes at once,
 * and so does what is not known here.
 */
export function urgencyOf(message: Message): Packet['urgency'] {
  if (message.type === 'error') return 'now'
  let quiet = false
  for (const child of message.children) {
    if (typeof child === 'string') continue
    if (isQuiet(child)) quiet = true
    else if (!PASSIVE.has(child.ns) && child.name !== 'thread') return 'now'
  }
  return quiet ? 'later' : 'now'
}

function isQuiet(child: Element): boolean {
  switch (child.ns) {
    case CHAT_STATES:
      return true
    case MARKERS:
      return child.name !== 'markable'
    case RECEIPTS:
      return child.name === 'received'
    case PUBSUB_EVENT:
      return child.child('items')?.attrs['node'] !== DISPLAYED
    default:
      return false
  }
}

/** Riders that say nothing by themselves: stanza ids, hints, occupant ids, delay, nicknames. */
const PASSIVE: ReadonlySet<string> = new Set([
  'urn:xmpp:sid:0',
  NS.hints,
  NS.occupantId,
  'urn:xmpp:delay',
  'http://jabber.org/protocol/nick',
])
