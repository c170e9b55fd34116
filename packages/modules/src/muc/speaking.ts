import type { Jid } from '@parley/jid'
import { type Message, NS, StanzaError } from '@parley/stanza'
import { type Element, el, type Node } from '@parley/xml'
import { giverOf } from '../stanza-ids.ts'
import { RETRACT } from '../tombstones.ts'
import { isDelay, isOf } from './history.ts'
import { MODERATE, USER } from './namespaces.ts'
import { idElement, type Occupant } from './occupant.ts'
import { hasRole } from './roles.ts'
import { maySpeak, type Room } from './room.ts'

/**
 * What an occupant says to all (XEP-0045 §7.4), as the room passes it on.
 * @throws StanzaError `not-acceptable` for somebody who is not here, `forbidden` without voice
 */
export function spoken(room: Room, from: Jid, message: Message): Message {
  const speaker = speakerOf(room, from)
  if (!maySpeak(speaker)) throw new StanzaError('forbidden', 'You have no voice in this room')
  const said = message.withChildren(passedOn(message.children, room, speaker, 'all'))
  return said.with({ from: speaker.jid, to: undefined, type: 'groupchat' })
}

/** XEP-0045 §8.1: a subject, and neither body nor thread. */
export function isSubject(message: Message): boolean {
  return message.child('subject') !== undefined && !message.child('body') && !message.child('thread')
}

/** @throws StanzaError `forbidden` for those who may not change it */
export function newSubject(room: Room, from: Jid, message: Message): Message {
  const speaker = speakerOf(room, from)
  const may = hasRole(speaker.role, 'moderator') || (room.config.changeSubject && maySpeak(speaker))
  if (!may) throw new StanzaError('forbidden', 'You may not change the subject')
  const passed = passedOn(message.children, room, speaker, 'all')
  return message.withChildren(passed).with({ from: speaker.jid, to: undefined })
}

/** From one occupant to another (§7.5). @throws StanzaError */
export function whisper(room: Room, from: Jid, to: Jid, message: Message): void {
  const speaker = speakerOf(room, from)
  if (message.type === 'groupchat') throw new StanzaError('bad-request', 'A private message is not of type groupchat')
  const target = room.byNick(to.resource)
  if (!target) throw new StanzaError('item-not-found', 'Nobody here has that nick')
  if (!mayWhisper(room, speaker, target)) throw new StanzaError('forbidden', 'Private messages are not for you')
  const children = passedOn(message.children, room, speaker, 'one')
  const isMarked = children.some(node => typeof node !== 'string' && node.is('x', USER))
  const marked = isMarked ? children : [...children, el('x', USER)]
  const sent = message.withChildren(marked).with({ from: speaker.jid })
  for (const { jid } of target.seats.values()) room.send(sent.addressed(jid))
}

function mayWhisper({ config }: Room, from: Occupant, to: Occupant): boolean {
  switch (config.allowPrivate) {
    case 'anyone':
      return true
    case 'participants':
      return maySpeak(from) || to.role === 'moderator'
    case 'moderators':
      return from.role === 'moderator'
    default:
      return false
  }
}

export function speakerOf(room: Room, from: Jid): Occupant {
  const speaker = room.byReal(from)
  if (!speaker) throw new StanzaError('not-acceptable', 'You are not in this room')
  return speaker
}

/** What only the room says is taken out, however often it is there, and said by the room (threats 60, 86). */
function passedOn(nodes: readonly Node[], room: Room, speaker: Occupant, to: 'all' | 'one'): readonly Node[] {
  const passed: Node[] = []
  for (const node of nodes) {
    if (typeof node === 'string') passed.push(node)
    else if (!isForged(node, room, to)) passed.push(isDelay(node) ? delayedBy(speaker, node) : node)
  }
  passed.push(idElement(speaker.id))
  return passed
}

/** §7.9: an owner may bring what was said elsewhere, by whomever; others were late themselves. */
function delayedBy({ affiliation, jid }: Occupant, { attrs, children }: Element): Element {
  const { from, stamp } = attrs
  return el('delay', NS.delay, { from: affiliation === 'owner' ? from : jid.text, stamp }).withChildren(children)
}

function isForged(child: Element, room: Room, to: 'all' | 'one'): boolean {
  const { name, ns, children } = child
  if (ns === NS.occupantId || ns === MODERATE || (isDelay(child) && isOf(room.jid, child))) return true
  // XEP-0425 §6: a tombstone, or a retraction by a moderator.
  if (ns === RETRACT) return name === 'retracted' || child.elements().some(inside => inside.ns === MODERATE)
  // §7.5: an empty one marks private messages. XEP-0313 §8.4: what is archived has none.
  if (ns === USER) return to === 'all' || children.length > 0
  return giverOf(child)?.equals(room.jid) ?? false
}
