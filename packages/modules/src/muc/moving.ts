import type { Jid } from '@parley/jid'
import type { Presence } from '@parley/stanza'
import { checkNick } from './nicks.ts'
import { type Occupant, type Seat, withoutReserved } from './occupant.ts'
import type { Remark, Room } from './room.ts'

/** Another state of a client, or another nick (XEP-0045 §7.6, §7.7). @throws StanzaError `conflict` */
export function move(room: Room, occupant: Occupant, from: Jid, nick: string, presence: Presence): void {
  const { counts } = occupant.seats.get(from.text)!
  const seat: Seat = { jid: from, state: withoutReserved(presence.children), counts }
  if (nick === occupant.nick) {
    room.sit(occupant, seat)
    room.announce(occupant, { cause: presence })
    return
  }
  checkNick(room, occupant.account, nick)
  const seats = [...occupant.seats.values()]
  const before = { ...occupant }
  room.rename(occupant, nick)
  room.sit(occupant, seat)
  // §7.6: gone under the old nick, with the new one.
  room.vanish(before, before, seats, { codes: [303], nick })
  room.announce(occupant, { cause: presence })
}

/** A client leaves (§7.14), or has been lost: then with what says so. */
export function leave(room: Room, occupant: Occupant, from: Jid, remark: Remark = {}): void {
  const seat = occupant.seats.get(from.text)!
  if (room.stand(occupant, from)) {
    room.farewell({ ...occupant, seats: new Map([[from.text, seat]]) }, [seat], remark)
    return
  }
  // Others of the same nick stay: only this client is told.
  const { self } = room.bodies({ ...occupant, role: 'none' }, { state: [], ...remark })
  room.tell(occupant, from, 'unavailable', self, remark)
  room.announce(occupant)
}

/** Somebody has to go: kicked (307), banned (301), no member any more (321, 322), or for technical reasons (333). */
export function remove(room: Room, occupant: Occupant, remark: Remark): void {
  room.remove(occupant)
  room.farewell(occupant, occupant.seats.values(), remark)
}
