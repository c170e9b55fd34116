import type { Jid } from '@parley/jid'
import { readAddress, StanzaError } from '@parley/stanza'
import { areAlike, type Looks, looksOf } from './looks.ts'
import type { Room } from './room.ts'

/** White space at an end or doubled, and what has no width (UTS 39 §3.1.1, Default_Ignorable_Code_Point). */
const INVISIBLE = /^\s|\s$|\s\s|\p{Default_Ignorable_Code_Point}/u

/** The nick in the address of an occupant. @throws StanzaError where it has none, or one that no room takes */
export function nickOf(to: Jid): string {
  if (to.isBare) throw new StanzaError('jid-malformed', 'A nick is needed')
  // Threat 96: a nick that cannot be told from none, or from another one.
  if (INVISIBLE.test(to.resource)) throw new StanzaError('not-acceptable', 'The nick has characters that nobody sees')
  return to.resource
}

/** The nick that a form or a list names, as those who enter have it. @throws StanzaError as {@link nickOf} */
export function readNick({ jid }: Room, text: string): string {
  return nickOf(readAddress(`${jid}/${text}`))
}

/** XEP-0045 §7.2.8, §7.6: taken by somebody else, or kept for somebody else, or so that a reader takes it for such a one (threat 96). */
export function checkNick(room: Room, account: Jid, nick: string): void {
  const looks = looksOf(nick)
  for (const other of room.occupants) {
    if (areAlike(other.looks, looks) && !other.account.equals(account))
      throw new StanzaError(
        'conflict',
        other.nick === nick ? 'The nick is taken' : 'The nick looks like that of somebody here',
      )
  }
  checkReserved(room, account, nick, looks)
}

/** §7.12: kept for somebody else. */
export function checkReserved(room: Room, account: Jid, nick: string, looks: Looks = looksOf(nick)): void {
  const keepers = room.affiliations.keepersOf(looks)
  // Whoever has it kept may write it in another case.
  if (keepers.length > 0 && !keepers.includes(account.text))
    throw new StanzaError('conflict', 'The nick is kept for somebody else')
}
