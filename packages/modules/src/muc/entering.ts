import type { Jid } from '@parley/jid'
import { Body, delay, Message, NS, Presence, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Throttle } from '@xmpp/server-core'
import { type Earlier, historyOf, readHistory } from './history.ts'
import { MUC, USER } from './namespaces.ts'
import { checkNick } from './nicks.ts'
import { idElement, type Occupant, statuses, withoutReserved } from './occupant.ts'
import { isPassword } from './options/password.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'
import { tellVersions } from './versions.ts'

export interface Entering {
  readonly room: Room
  /** Real address of the client. */
  readonly from: Jid
  readonly nick: string
  readonly presence: Presence
  /** XEP-0421 id of the account. */
  readonly id: string
  /** Has just been made by this account (XEP-0045 §10.1). */
  readonly isNew: boolean
  /** What was said before, of which that many lines are shown at most. */
  readonly earlier: readonly Earlier[]
  readonly most: number
  readonly now: number
  /** Wrong passwords of each account. */
  readonly guessed: Throttle
}

/** Lets somebody in, with everything in the order of XEP-0045 §7.1. @throws StanzaError as §7.2.17 says */
export function enter(entering: Entering): void {
  const { room, from, nick, presence, isNew } = entering
  const account = from.bare
  const x = presence.child('x', MUC)
  const known = room.byReal(from)
  const there = room.byNick(nick)
  if (!known) checkEntry(entering, x)
  const occupant = there ?? room.newcomer(nick, account, entering.id)
  const version = tellVersions(room, from, occupant, x)
  room.introduce(from, occupant.role, occupant)
  room.sit(occupant, { jid: from, state: withoutReserved(presence.children), counts: version !== undefined })
  tellEntry(entering, occupant, there !== undefined, version)
  const { earlier, most, now } = entering
  for (const message of historyOf(earlier, readHistory(x), { to: from, most, now })) room.send(message)
  room.send(subjectOf(room, from))
  if (isNew) room.isLocked = true
}

function tellEntry(
  { room, from, isNew, presence: cause }: Entering,
  occupant: Occupant,
  isShared: boolean,
  version: Element | undefined,
): void {
  const selfMarks = version && [version]
  const selfCodes = [
    ...(room.config.whois === 'anyone' ? [100] : []),
    ...(room.config.archived ? [170] : []),
    ...(isNew ? [201] : []),
  ]
  if (!isShared) {
    room.announce(occupant, { selfCodes, selfMarks, cause })
    return
  }
  // Another client of somebody who is here: only it needs to be told, and its state is the latest.
  room.announce(occupant)
  const { self } = room.bodies(occupant, { selfCodes, selfMarks })
  room.tell(occupant, from, 'available', self, { cause })
}

function checkEntry({ room, from, nick, isNew, guessed }: Entering, x: Element | undefined): void {
  const account = from.bare
  const affiliation = room.affiliationOf(account)
  const isAdmin = isAtLeast(affiliation, 'admin')
  // §7.2.10
  if (room.isLocked && !isNew && affiliation !== 'owner')
    throw new StanzaError('item-not-found', 'The room is being set up')
  // §7.2.7
  if (affiliation === 'outcast') throw new StanzaError('forbidden', 'You are banned from this room')
  // §7.2.6
  if (room.config.membersOnly && affiliation === 'none') {
    throw new StanzaError('registration-required', 'Only members may enter')
  }
  // §7.2.5: whoever it is. An owner who has forgotten it sets another one from outside.
  const { password } = room.config
  if (password !== '') {
    // Threat 93
    if (!guessed.allows(account.text)) throw new StanzaError('resource-constraint', 'Too many wrong passwords')
    if (!isPassword(x?.textOf('password', MUC) ?? '', password)) {
      guessed.count(account.text)
      throw new StanzaError('not-authorized', 'The room has another password')
    }
  }
  checkNick(room, account, nick)
  // §7.2.9
  if (room.size >= room.config.mostUsers && !isAdmin && !room.byNick(nick)) {
    throw new StanzaError('service-unavailable', 'The room is full', { type: 'wait' })
  }
}

/** §7.2.15: always there, and the last thing of entering. */
function subjectOf(room: Room, to: Jid): Message {
  const { subject } = room
  if (!subject) {
    return new Message({ type: 'groupchat', from: room.jid, to }, Body.of([el('subject', NS.client)]))
  }
  const body = Body.fromXml(subject.xml).plus(delay(room.jid, subject.at))
  return new Message({ type: 'groupchat', from: room.jid.withResource(subject.from), to }, body)
}

/** A client that thinks it is in the room learns that it is not. */
export function notHere(to: Jid, as: Jid, id: string): Presence {
  const item = el('item', USER, { affiliation: 'none', role: 'none' })
  const x = el('x', USER, null, item, statuses([110, 307, 333]))
  return new Presence({ type: 'unavailable', from: as, to }, Body.of([x, idElement(id)]))
}
