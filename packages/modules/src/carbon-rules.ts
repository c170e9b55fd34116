import { type Message, NS } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { isContent } from './message-rules.ts'

export const CARBONS = 'urn:xmpp:carbons:2'
const MUC_USER = 'http://jabber.org/protocol/muc#user'

/** Whether an account's clients shall have copies of a message that is no error (XEP-0280 §6.1). */
export function isConversation(message: Message, direction: 'sent' | 'received'): boolean {
  if (message.type === 'groupchat' || message.type === 'error') return false
  if (isPrivate(message)) return false
  const invites = message.children.some(isInvitation)
  // What an occupant says in private comes to each client that is in the room.
  if (direction === 'received' && !invites && message.from?.isBare === false && message.child('x', MUC_USER))
    return false
  if (invites || message.type === 'chat') return true
  const isNormal = message.type === 'normal'
  return message.children.some(
    child => typeof child !== 'string' && (INSTANT.has(child.ns) || (isNormal && isContent(child))),
  )
}

/** XEP-0280 §9; XEP-0334 §4.3: the hint means nothing on what is for a bare JID. */
function isPrivate(message: Message): boolean {
  if (message.child('private', CARBONS)) return true
  return message.to?.isBare === false && message.child('no-copy', NS.hints) !== undefined
}

/** Direct (XEP-0249) or mediated by the room (XEP-0045 §7.8.2). */
function isInvitation(child: Element | string): boolean {
  if (typeof child === 'string') return false
  if (child.ns === 'jabber:x:conference') return true
  return child.ns === MUC_USER && child.child('invite') !== undefined
}

/** XEP-0184, XEP-0085, XEP-0333 */
const INSTANT: ReadonlySet<string> = new Set([
  'urn:xmpp:receipts',
  'http://jabber.org/protocol/chatstates',
  'urn:xmpp:chat-markers:0',
])
