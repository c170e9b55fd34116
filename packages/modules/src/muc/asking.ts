import type { Jid } from '@parley/jid'
import { Body, type DataForm, formField, formOf, Message, readSubmission, StanzaError } from '@parley/stanza'
import { REQUEST } from './namespaces.ts'
import { hasRole } from './roles.ts'
import type { Room } from './room.ts'
import { speakerOf } from './speaking.ts'

/** A form about voice, from a visitor or from a moderator; undefined: the message has none. @throws StanzaError */
export function voiceForm(message: Message): DataForm | undefined {
  const form = readSubmission(message.toElement(), REQUEST)
  return form?.formType === REQUEST ? form : undefined
}

/** A visitor would like to speak (XEP-0045 §7.13): moderators are asked (§8.6). */
export function requestVoice(room: Room, from: Jid): void {
  const { nick, role } = speakerOf(room, from)
  if (role !== 'visitor') throw new StanzaError('not-allowed', 'You have voice')
  const form = formOf('form', REQUEST, {
    title: 'Voice request',
    instructions: ['Somebody would like to speak.'],
    fields: [
      formField('muc#role', 'list-single', 'participant', { label: 'Requested role' }),
      formField('muc#jid', 'jid-single', from.text, { label: 'Address' }),
      formField('muc#roomnick', 'text-single', nick, { label: 'Nick' }),
      formField('muc#request_allow', 'boolean', false, { label: 'Grant voice' }),
    ],
  })
  const asked = new Message({ type: 'normal', from: room.jid }, Body.of([form.toElement()]))
  room.say(asked, occupant => occupant.role === 'moderator')
}

/** A moderator has decided (§8.6). */
export function decideVoice(room: Room, from: Jid, form: DataForm): void {
  const moderator = speakerOf(room, from)
  if (!hasRole(moderator.role, 'moderator')) throw new StanzaError('forbidden', 'Only moderators give voice')
  const occupant = room.byNick(form.value('muc#roomnick') ?? '')
  // The visitor may have left, or may have voice by now.
  if (!form.flag('muc#request_allow') || occupant?.role !== 'visitor') return
  room.setRole(occupant, 'participant')
  room.announce(occupant)
}
