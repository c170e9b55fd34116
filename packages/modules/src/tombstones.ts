import { Body, formatDateTime, type Message, NS } from '@parley/stanza'
import { type Element, el, type Node } from '@parley/xml'

export const RETRACT = 'urn:xmpp:message-retract:1'
export const TOMBSTONE = `${RETRACT}#tombstone`

export interface Retraction {
  /** What is taken back, by the id that the sender gave it, or in a room by the id that the room gave it. */
  readonly original: string
  /** The id of the retraction, which the tombstone names. */
  readonly id: string
}

/** What a message takes back (XEP-0424 §3); undefined: nothing, or it has no id that a tombstone could name. */
export function retractedBy(message: Message): Retraction | undefined {
  const original = message.child('retract', RETRACT)?.attrs['id']
  return original && message.id !== undefined ? { original, id: message.id } : undefined
}

/** §5: the occupant, where that is a private message in a room (XEP-0421), in which all have the address of the room. */
export function occupantOf(message: Message): string | undefined {
  return message.child('occupant-id', NS.occupantId)?.attrs['id']
}

/** XEP-0424 §4: says of a message that it was taken back, by the retraction of that id, at that time (ms since 1970). */
export function retracted(id: string, at: number, ...more: readonly (Element | undefined)[]): Element {
  return el('retracted', RETRACT, { id, stamp: formatDateTime(at) }, more)
}

export function isTombstone(message: Message): boolean {
  return message.child('retracted', RETRACT) !== undefined
}

/** §4: what is left of a message: its head, and the ids by which clients know what it was and whose. */
export function tombstone(message: Message, mark: Element): Message {
  return message.withBody(Body.of([mark, ...message.children.flatMap(idsIn)]))
}

/** Nothing of it but the id: whatever else its sender had put there is taken back too. */
function idsIn(child: Node): readonly Element[] {
  if (typeof child === 'string') return []
  const { name, ns, attrs } = child
  const isId = ns === NS.occupantId || (ns === NS.stanzaId && name === 'origin-id')
  return isId ? [el(name, ns, { id: attrs['id'] })] : []
}
