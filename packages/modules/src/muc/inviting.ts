import type { Jid } from '@parley/jid'
import { Body, Message, readAddress, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { CONFERENCE, USER } from './namespaces.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'
import { maySpeak } from './room.ts'
import { speakerOf } from './speaking.ts'

export interface Invitation {
  readonly to: Jid
  readonly message: Message
  /** Whoever is invited to a room for members becomes one. */
  readonly becomesMember: boolean
}

/** Invitations that pass through the room (XEP-0045 §7.8.2). @throws StanzaError */
export function invitations(room: Room, from: Jid, x: Element): Invitation[] {
  const inviter = speakerOf(room, from)
  const { config } = room
  const mayEdit = isAtLeast(inviter.affiliation, 'admin')
  if (config.membersOnly ? !mayEdit && !config.allowInvites : !maySpeak(inviter)) {
    throw new StanzaError('forbidden', 'You may not invite')
  }
  return x.childrenNamed('invite').map(invite => {
    const to = readAddress(invite.attrs['to'])
    const { password } = config
    const passed = el(
      'x',
      USER,
      null,
      el(
        'invite',
        USER,
        { from: inviter.jid.text },
        invite.elements().filter(({ name }) => name === 'reason' || name === 'continue'),
      ),
      password === '' ? undefined : el('password', USER, null, password),
    )
    // XEP-0249 §2, for clients that read only that: the same, the chat that is continued (§7.9) included.
    const continued = invite.child('continue', USER)
    const direct = el('x', CONFERENCE, {
      jid: room.jid.text,
      password: password === '' ? undefined : password,
      reason: invite.textOf('reason', USER),
      continue: continued && 'true',
      thread: continued?.attrs['thread'],
    })
    return {
      to,
      message: new Message({ type: 'normal', from: room.jid, to }, Body.of([passed, direct])),
      becomesMember: config.membersOnly && room.affiliationOf(to.bare) === 'none',
    }
  })
}

/** Somebody does not come, and says so (§7.8.2): to the occupant, or to the address, that has invited. */
export function declines(room: Room, from: Jid, x: Element): Message[] {
  return x.childrenNamed('decline').flatMap(decline => {
    const to = readAddress(decline.attrs['to'])
    const inviter = to.bare.equals(room.jid) ? room.byNick(to.resource) : room.ofAccount(to.bare)[0]
    const reason = decline.elements().filter(({ name }) => name === 'reason')
    const passed = el('x', USER, null, el('decline', USER, { from: from.bare.text }, reason))
    return [...(inviter?.seats.values() ?? [])].map(
      ({ jid }) => new Message({ type: 'normal', from: room.jid, to: jid }, Body.of([passed])),
    )
  })
}
