import type { Packet } from '@parley/live'
import type { Message, Stanza } from '@parley/stanza'

let delivered = 0

/** A stanza, serialised once, with what a session must know of it. */
export function packetOf(stanza: Stanza, log?: { readonly id: bigint; readonly owed: boolean }): Packet {
  const xml = stanza.toXml()
  const mid = log ? log.id.toString(36) : `-${(++delivered).toString(36)}`
  switch (stanza.name) {
    case 'presence': {
      const plain = stanza.type === 'available' || stanza.type === 'unavailable'
      if (!plain) return { xml, mid, urgency: 'now' }
      return { xml, mid, urgency: 'later', replaces: `presence ${stanza.from?.text}` }
    }
    case 'message': {
      const packet: Packet = { xml, mid, urgency: urgencyOf(stanza), leftover: 'message' }
      return log?.owed ? { ...packet, owed: log.id } : packet
    }
    default:
      return stanza.isRequest ? { xml, mid, urgency: 'now', leftover: 'request' } : { xml, mid, urgency: 'now' }
  }
}

const CHAT_STATES = 'http://jabber.org/protocol/chatstates'
const PUBSUB_EVENT = 'http://jabber.org/protocol/pubsub#event'

/**
 * XEP-0352 §5: a quiet client is left alone for what its user would not look at: typing, and news of avatars and the like.
 * Whatever may carry content (a body, something encrypted, a call) comes at once.
 */
export function urgencyOf(message: Message): Packet['urgency'] {
  if (message.type === 'error') return 'now'
  let quiet = false
  for (const child of message.children) {
    if (typeof child === 'string') continue
    if (child.ns === CHAT_STATES || child.ns === PUBSUB_EVENT) quiet = true
    else if (!PASSIVE.has(child.ns)) return 'now'
  }
  return quiet ? 'later' : 'now'
}

/** Riders that say nothing by themselves: stanza ids, hints, occupant ids, delay. */
const PASSIVE: ReadonlySet<string> = new Set([
  'urn:xmpp:sid:0',
  'urn:xmpp:hints',
  'urn:xmpp:occupant-id:0',
  'urn:xmpp:delay',
])
