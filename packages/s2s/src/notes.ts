import { NS, type Stanza } from '@parley/stanza'
import type { Element, Node } from '@parley/xml'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const EVENT = `${PUBSUB}#event`
const LAST = 'jabber:iq:last'

/** Nodes in which people tell how and where they are (XEP-0107, XEP-0108, XEP-0118, XEP-0080). */
const NODES: ReadonlySet<string> = new Set([
  'http://jabber.org/protocol/mood',
  'http://jabber.org/protocol/activity',
  'http://jabber.org/protocol/tune',
  'http://jabber.org/protocol/geoloc',
])

const isElement = (node: Node): node is Element => typeof node !== 'string'

/** The stanza without what people tell of themselves in words, mood and place; undefined where nothing else is in it. */
export function withoutNotes(stanza: Stanza): Stanza | undefined {
  if (stanza.name === 'presence')
    return stanza.child('status') ? without(stanza, child => child.name === 'status' && child.ns === NS.client) : stanza
  if (stanza.name === 'message') {
    const items = stanza.child('event', EVENT)?.child('items', EVENT)
    return NODES.has(items?.attrs['node'] ?? '') ? undefined : stanza
  }
  if (stanza.type !== 'result') return stanza
  // The words of the last unavailable presence (XEP-0012 §3).
  const last = stanza.child('query', LAST)
  if (last) return stanza.withChildren([last.withChildren([])])
  const pubsub = stanza.child('pubsub', PUBSUB)
  const items = pubsub?.child('items', PUBSUB)
  if (!pubsub || !items || !NODES.has(items.attrs['node'] ?? '')) return stanza
  return stanza.withChildren([pubsub.withChildren([items.withChildren([])])])
}

function without(stanza: Stanza, is: (child: Element) => boolean): Stanza {
  return stanza.withChildren(stanza.children.filter(child => !isElement(child) || !is(child)))
}
