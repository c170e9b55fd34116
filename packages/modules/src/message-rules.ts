import { type Message, NS } from '@parley/stanza'
import type { Element } from '@parley/xml'

/** What the log does with a message (XEP-0313 §6.1.1, XEP-0160 §3, XEP-0334 §4). */
export interface Fate {
  /** It belongs into archives. */
  readonly keep: boolean
  /** It waits for an account that is away. */
  readonly wait: boolean
}

const NOTHING: Fate = { keep: false, wait: false }
const WAIT: Fate = { keep: false, wait: true }
const BOTH: Fate = { keep: true, wait: true }

/**
 * Reads the fate of a message from its type, content and hints. An error is kept where it answers a message that is kept:
 * that only the log can tell.
 */
export function fateOf(message: Message): Fate {
  if (message.type !== 'chat' && message.type !== 'normal') return NOTHING
  let says = false
  let matters = false
  let store = false
  let permanent = true
  let event = false
  for (const child of message.children) {
    if (typeof child === 'string') continue
    if (child.ns === NS.hints) {
      if (child.name === 'no-store') return NOTHING
      if (child.name === 'no-permanent-store') permanent = false
      if (child.name === 'store') store = true
    } else if (child.ns === PUBSUB_EVENT) event = true
    else if (isContent(child)) matters = true
    else if (!RIDERS.has(child.ns) && child.name !== 'thread') says = true
  }
  // The node has it, and whoever reads the archive can ask there.
  if (event) return WAIT
  if (matters || store) return permanent ? BOTH : WAIT
  return says ? WAIT : NOTHING
}

/** What is said in a conversation, in the open or encrypted, or changes what was said. */
export function isContent(child: Element): boolean {
  const { ns, name } = child
  if (ns === NS.client) return name === 'body'
  if (ns === MUC_USER) return child.child('invite') !== undefined
  const names = CONTENT.get(ns)
  return names === null || (names?.includes(name) ?? false)
}

/** Whether the message says in secret what it says, so that its body speaks of that alone (XEP-0380). */
export function isEncrypted(message: Message): boolean {
  return message.children.some(child => typeof child !== 'string' && ENCRYPTED.has(child.ns))
}

const ENCRYPTED: ReadonlySet<string> = new Set([
  'urn:xmpp:eme:0',
  'jabber:x:encrypted',
  'urn:xmpp:openpgp:0',
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:1',
  'urn:xmpp:omemo:2',
  'urn:xmpp:sce:1',
])
const PUBSUB_EVENT = 'http://jabber.org/protocol/pubsub#event'
const MUC_USER = 'http://jabber.org/protocol/muc#user'

/** Names that count in each namespace; null: all. */
const CONTENT: ReadonlyMap<string, readonly string[] | null> = new Map<string, readonly string[] | null>([
  ['jabber:x:encrypted', null],
  ['urn:xmpp:openpgp:0', null],
  ['eu.siacs.conversations.axolotl', ['encrypted']],
  ['urn:xmpp:omemo:1', null],
  ['urn:xmpp:omemo:2', null],
  ['urn:xmpp:sce:1', null],
  // Says that there is something secret, of whatever kind (XEP-0380).
  ['urn:xmpp:eme:0', null],
  ['urn:xmpp:receipts', ['received']],
  ['urn:xmpp:chat-markers:0', ['received', 'displayed', 'acknowledged']],
  ['urn:xmpp:reactions:0', null],
  ['urn:xmpp:message-correct:0', null],
  ['urn:xmpp:reply:0', null],
  ['urn:xmpp:reference:0', null],
  ['urn:xmpp:message-retract:0', null],
  ['urn:xmpp:message-retract:1', null],
  ['urn:xmpp:message-moderate:0', null],
  ['urn:xmpp:message-moderate:1', null],
  ['urn:xmpp:fasten:0', null],
  ['urn:xmpp:sfs:0', null],
  ['jabber:x:oob', null],
  ['urn:xmpp:jingle-message:0', null],
  ['urn:xmpp:call-invites:0', null],
  ['jabber:x:conference', null],
])

/** Elements that nobody needs when nothing else comes with them. */
const RIDERS: ReadonlySet<string> = new Set([
  'http://jabber.org/protocol/chatstates',
  MUC_USER,
  'urn:xmpp:carbons:2',
  NS.occupantId,
  NS.stanzaId,
  NS.delay,
])
