import { Jid } from '@parley/jid'
import { Body } from '@parley/stanza'
import { remove } from './moving.ts'
import type { Occupant, Seat } from './occupant.ts'
import { ROLES, type Role } from './roles.ts'
import type { Room } from './room.ts'

/** Behind the role of a client that wants to know versions (XEP-0463). */
const COUNTS = ' counts'

/** What a successor must know of a client in a room: nick and role, a line each, and what it says of its state. */
export function noteOf({ nick, role }: Occupant, { state, counts }: Seat): string {
  return `${nick}\n${role}${counts ? COUNTS : ''}\n${Body.of(state).xml}`
}

/** Fills a room with those who were in it when its node died; those who are not there any more leave it now. */
export function restore(
  room: Room,
  notes: ReadonlyMap<string, string>,
  there: ReadonlySet<string>,
  idOf: (account: Jid) => string,
): void {
  for (const [real, note] of notes) {
    const { nick, role, counts, xml } = readNote(note)
    const jid = Jid.parse(real)
    const occupant = room.byNick(nick) ?? room.newcomer(nick, jid.bare, idOf(jid.bare), role)
    room.sit(occupant, { jid, state: Body.fromXml(xml).nodes, counts })
  }
  for (const occupant of [...room.occupants]) {
    const seats = [...occupant.seats.keys()]
    // XEP-0045 §11.1
    if (!seats.some(real => there.has(real))) remove(room, occupant, { codes: [333] })
    else for (const real of seats) if (!there.has(real)) room.stand(occupant, Jid.parse(real))
  }
}

interface Note {
  readonly nick: string
  readonly role: Role | undefined
  readonly counts: boolean
  readonly xml: string
}

function readNote(note: string): Note {
  const a = note.indexOf('\n')
  const b = note.indexOf('\n', a + 1)
  const line = note.slice(a + 1, b)
  const counts = line.endsWith(COUNTS)
  const role = counts ? line.slice(0, -COUNTS.length) : line
  return { nick: note.slice(0, a), role: ROLES.find(name => name === role), counts, xml: note.slice(b + 1) }
}
