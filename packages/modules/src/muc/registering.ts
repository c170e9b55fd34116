import type { Jid } from '@parley/jid'
import { formField, formOf, type Message, readSubmission, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Request } from '@xmpp/server-core'
import { REGISTER } from '../registration-rules.ts'
import { become } from './administering.ts'
import { admit, askAdmins, NICK } from './approving.ts'
import type { RoomConfig } from './config.ts'
import { areAlike, looksOf } from './looks.ts'
import { REGISTER_FORM } from './namespaces.ts'
import { checkNick, readNick } from './nicks.ts'
import type { Parts } from './parts.ts'
import type { Affiliated, Room } from './room.ts'

/** Registrations of one room that wait for an admin. */
const WAITING = 100

/** What somebody needs to say to become a member, or the nick that is kept already (XEP-0045 §7.10). */
export function registrationForm(room: Room, from: Jid): Element {
  checkMayRegister(room, from.bare)
  const nick = room.affiliations.get(from.bare.text)?.nick
  if (nick !== undefined) {
    return el('query', REGISTER, null, el('registered', REGISTER), el('username', REGISTER, null, nick))
  }
  const instructions = needsConsent(room.config)
    ? 'Choose a nick. An admin of the room decides.'
    : 'Choose a nick. It is kept for you, and you are a member of the room.'
  const form = formOf('form', REGISTER_FORM, {
    title: `Registration with ${room.config.title || room.jid.local}`,
    instructions: [instructions],
    fields: [formField(NICK, 'text-single', room.byReal(from)?.nick, { label: 'Nick', required: true })],
  })
  return el('query', REGISTER, null, el('instructions', REGISTER, null, instructions), form.toElement())
}

/** Somebody registers, or does not want to be registered any more; gives what admins are asked. @throws StanzaError */
export async function register(parts: Parts, room: Room, { from, payload }: Request): Promise<readonly Message[]> {
  const account = from.bare
  if (payload.child('remove', REGISTER)) return unregister(parts, room, account)
  checkMayRegister(room, account)
  const form = readSubmission(payload, REGISTER_FORM)
  if (form?.type === 'cancel') return []
  const wanted = form?.value(NICK)
  if (!wanted) throw new StanzaError('bad-request', 'A form with the nick that you want is needed')
  const nick = readNick(room, wanted)
  checkNick(room, account, nick)
  if (!parts.registered.take(account.text)) throw new StanzaError('resource-constraint', 'You register too often')
  if (needsConsent(room.config) && room.affiliationOf(account) === 'none') return request(parts, room, account, nick)
  await admit(parts, room, account, nick)
  return []
}

function checkMayRegister(room: Room, account: Jid): void {
  if (room.isLocked) throw new StanzaError('item-not-found', 'The room is being set up')
  if (room.config.registration === 'closed' || room.affiliationOf(account) === 'outcast') {
    throw new StanzaError('not-allowed', 'You may not register with this room')
  }
}

/** Where a member gets in, speaks or reads what others do not, nobody becomes one without an admin. */
function needsConsent({ registration, membersOnly, moderated, password }: RoomConfig): boolean {
  return registration === 'approval' || membersOnly || moderated || password !== ''
}

async function request(parts: Parts, room: Room, account: Jid, nick: string): Promise<readonly Message[]> {
  const waiting = await parts.requests.all(room.jid.text)
  const looks = looksOf(nick)
  for (const [other, asked] of waiting) {
    if (other !== account.text && areAlike(looksOf(asked.nick), looks))
      throw new StanzaError('conflict', 'Somebody else has asked for the nick')
  }
  if (waiting.size >= WAITING && !waiting.has(account.text))
    throw new StanzaError('resource-constraint', 'Too many registrations wait for an admin')
  await parts.requests.set(room.jid.text, account.text, { nick })
  return askAdmins(room, account, nick)
}

async function unregister(parts: Parts, room: Room, account: Jid): Promise<readonly Message[]> {
  const hadAsked = await parts.requests.delete(room.jid.text, account.text)
  const before = room.affiliations.get(account.text)
  if (before?.nick === undefined) {
    if (hadAsked) return []
    throw new StanzaError('registration-required', 'You are not registered with this room')
  }
  const { nick: _, ...rest } = before
  const affiliated: Affiliated = before.affiliation === 'member' ? { affiliation: 'none' } : rest
  await become(parts, room, account, affiliated)
  return []
}
