import { Jid } from '@parley/jid'
import { Body, DataForm, formField, formOf, Message, NS, readAddress, StanzaError } from '@parley/stanza'
import { el } from '@parley/xml'
import { become } from './administering.ts'
import { CONFERENCE, REGISTER_FORM, USER } from './namespaces.ts'
import { checkReserved, readNick } from './nicks.ts'
import { statuses } from './occupant.ts'
import type { Parts } from './parts.ts'
import { isAtLeast } from './roles.ts'
import type { Affiliated, Room } from './room.ts'

/** The field with the nick, in the forms of §7.10 and §9.9. */
export const NICK = 'muc#register_roomnick'
/** Who it is: not among the fields of the XEP, which leaves room for more. */
const WHO = 'x-muc#register_jid'
const ALLOW = 'muc#register_allow'

/** A registration that an admin has to agree to. */
export type StoredRequest = { readonly nick: string }

/** Somebody would like to be a member (XEP-0045 §9.9): admins are asked, here or not. */
export function askAdmins(room: Room, account: Jid, nick: string): readonly Message[] {
  const form = formOf('form', REGISTER_FORM, {
    title: 'Registration request',
    instructions: [`Somebody would like to be a member of ${room.config.title || room.jid.text}.`],
    fields: [
      formField(WHO, 'jid-single', account.text, { label: 'Address' }),
      formField(NICK, 'text-single', nick, { label: 'Nick' }),
      formField(ALLOW, 'boolean', false, { label: 'Make this person a member' }),
    ],
  })
  const asked = new Message({ type: 'normal', from: room.jid }, Body.of([form.toElement()]))
  return [...room.affiliations]
    .filter(([, { affiliation }]) => isAtLeast(affiliation, 'admin'))
    .map(([admin]) => asked.addressed(Jid.parse(admin)))
}

/** What an admin says about a registration; undefined: the message is about something else. */
export function approvalForm(message: Message): DataForm | undefined {
  const x = message.child('x', NS.dataForms)
  const form = x && DataForm.read(x)
  return form?.type === 'submit' && form.formType === REGISTER_FORM ? form : undefined
}

/** An admin has decided; gives what is to be sent. @throws StanzaError */
export async function decideRegistration(
  parts: Parts,
  room: Room,
  from: Jid,
  form: DataForm,
): Promise<readonly Message[]> {
  if (!isAtLeast(room.affiliationOf(from.bare), 'admin')) {
    throw new StanzaError('forbidden', 'Only admins decide who is a member')
  }
  const account = readAddress(form.value(WHO)).bare
  const request = await parts.requests.get(room.jid.text, account.text)
  // Another admin was first, or it is not wanted any more.
  if (!request) return []
  const allowed = form.flag(ALLOW) === true && room.affiliationOf(account) !== 'outcast'
  if (allowed) {
    // What the admin has seen: another nick may have been asked for since.
    const nick = readNick(room, form.value(NICK) ?? request.nick)
    checkReserved(room, account, nick)
    await admit(parts, room, account, nick)
  }
  await parts.requests.delete(room.jid.text, account.text)
  return allowed && room.ofAccount(account).length === 0 ? [welcome(room, account)] : []
}

/** Makes somebody a member, at least, with a nick of its own. */
export async function admit(parts: Parts, room: Room, account: Jid, nick: string): Promise<void> {
  const before = room.affiliations.get(account.text)
  const had = before?.affiliation ?? 'none'
  const affiliated: Affiliated = { ...before, affiliation: isAtLeast(had, 'member') ? had : 'member', nick }
  await become(parts, room, account, affiliated)
}

/** Who is not here hears of it, and how to come (§17.1). */
function welcome({ jid, config }: Room, account: Jid): Message {
  const item = el('item', USER, { affiliation: 'member', role: 'none', jid: account })
  const password = config.password === '' ? undefined : config.password
  return new Message(
    { type: 'normal', from: jid, to: account },
    Body.of([el('x', USER, null, item, statuses([101])), el('x', CONFERENCE, { jid, password })]),
  )
}
