import type { Jid } from '@parley/jid'
import { Body, Presence, readAddress, readSubmission, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { AffiliationChange } from './administering.ts'
import { changedConfig, configForm, type RoomConfig } from './config.ts'
import { LISTS, listChanges, listFields } from './lists.ts'
import { remove } from './moving.ts'
import { CONFIG, OWNER, USER } from './namespaces.ts'
import { idElement, statuses } from './occupant.ts'
import { roleOf } from './roles.ts'
import type { Room } from './room.ts'

/** What an owner wants (XEP-0045 §10). */
export type OwnerWish =
  | {
      readonly what: 'configure'
      readonly config: RoomConfig
      /** By the lists of admins and owners in the form. */
      readonly affiliations: readonly AffiliationChange[]
    }
  /** A new room is not wanted after all (§10.1.3). */
  | { readonly what: 'cancel' }
  | { readonly what: 'destroy'; readonly destroy: Element }
  | { readonly what: 'nothing' }

export function ownerForm(room: Room, from: Jid): Element {
  checkOwner(room, from)
  const form = configForm(room.config, room.config.title || room.jid.local, listFields(room))
  return el('query', OWNER, null, form.toElement())
}

/** @throws StanzaError */
export function readWish(room: Room, from: Jid, query: Element): OwnerWish {
  checkOwner(room, from)
  const destroy = query.child('destroy', OWNER)
  if (destroy) {
    const { jid } = destroy.attrs
    if (jid !== undefined) readAddress(jid)
    return { what: 'destroy', destroy }
  }
  const form = readSubmission(query, CONFIG)
  if (!form) throw new StanzaError('bad-request', 'A form with the settings is needed')
  if (form.type === 'cancel') return { what: room.isLocked ? 'cancel' : 'nothing' }
  const config = changedConfig(room.config, form, 'room', LISTS)
  return { what: 'configure', config, affiliations: listChanges(room, form) }
}

function checkOwner(room: Room, from: Jid): void {
  if (room.affiliationOf(from.bare) !== 'owner') throw new StanzaError('forbidden', 'Only owners may do that')
}

/** Puts a configuration into force, and tells what concerns the privacy of those who are here (§10.2.1, threat 97). */
export function configure(room: Room, config: RoomConfig): void {
  const before = room.config
  room.config = config
  room.isLocked = false
  const codes = [
    ...(before.whois === config.whois ? [] : [config.whois === 'anyone' ? 172 : 173]),
    ...(before.archived === config.archived ? [] : [config.archived ? 170 : 171]),
  ]
  // §10.2.1: the status that nothing about privacy has changed is alone.
  const shown = codes.length > 0 ? codes : [104]
  room.sayStatus(shown)
  if (config.membersOnly && !before.membersOnly) {
    // §10.2.1: who is no member has to go.
    for (const occupant of [...room.occupants])
      if (occupant.affiliation === 'none') remove(room, occupant, { codes: [322] })
  }
  for (const occupant of room.occupants) {
    const wasDefault = occupant.role === roleOf(occupant.affiliation, before)
    const role = roleOf(occupant.affiliation, config)
    if (!wasDefault || role === occupant.role) continue
    room.setRole(occupant, role)
    room.announce(occupant)
  }
  if (before.whois !== config.whois && config.whois === 'anyone') {
    for (const occupant of room.occupants) room.announce(occupant)
  }
}

/** Everybody is out, each told once (§10.9); `cause` is what a client has sent, whose id its own presence has. */
export function destroy(room: Room, request: Element, cause?: Presence): void {
  const { jid } = request.attrs
  const told = el(
    'destroy',
    USER,
    { jid },
    ['password', 'reason'].flatMap(name => copied(request, name)),
  )
  const item = el('item', USER, { affiliation: 'none', role: 'none' })
  // §7.14: who leaves hears it of himself, also where the room goes with him.
  const x = el('x', USER, null, item, told, statuses([110]))
  for (const occupant of [...room.occupants]) {
    const body = Body.of([x, idElement(occupant.id)])
    for (const { jid: to } of occupant.seats.values()) {
      const id = cause?.from?.equals(to) ? cause.id : undefined
      room.send(new Presence({ type: 'unavailable', from: occupant.jid, to, id }, body))
    }
    room.remove(occupant)
  }
}

function copied(request: Element, name: string): Element[] {
  const text = request.textOf(name, OWNER)
  return text === undefined ? [] : [el(name, USER, null, text)]
}
