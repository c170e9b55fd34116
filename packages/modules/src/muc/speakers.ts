import type { Jid } from '@parley/jid'
import { type Message, NS, parseStanza } from '@parley/stanza'
import type { LogRow } from '@parley/store'
import { el, serialize } from '@parley/xml'
import { USER } from './namespaces.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

/** XEP-0421 ids of accounts, once somebody has asked for them. */
export class OccupantIds {
  readonly #idOf: (room: Jid, account: string) => string
  readonly #known = new WeakMap<Room, Map<string, string>>()

  constructor(idOf: (room: Jid, account: string) => string) {
    this.#idOf = idOf
  }

  of(room: Room, account: string): string {
    const ids = this.#known.get(room) ?? new Map<string, string>()
    this.#known.set(room, ids)
    const id = ids.get(account) ?? this.#idOf(room.jid, account)
    ids.set(account, id)
    return id
  }
}

/**
 * What a line of the archive says beside its text to an asker who may see real addresses (XEP-0313 §6.1.2); undefined for others.
 * Rooms do not write down who spoke: the occupant id is compared with those of all who are here or belong to the room.
 */
export function speakersFor(ids: OccupantIds, room: Room, asker: Jid): ((row: LogRow) => string) | undefined {
  if (!maySee(room, asker)) return undefined
  const accounts = new Map<string, string>()
  for (const account of room.affiliations.keys()) accounts.set(ids.of(room, account), account)
  for (const { id, account } of room.occupants) accounts.set(id, account.text)
  return ({ stanza }) => {
    const id = (parseStanza(stanza) as Message).child('occupant-id', NS.occupantId)?.attrs['id']
    const jid = id === undefined ? undefined : accounts.get(id)
    if (jid === undefined) return ''
    const affiliation = room.affiliations.get(jid)?.affiliation ?? 'none'
    return serialize(el('x', USER, null, el('item', USER, { affiliation, jid })))
  }
}

/** Threat 81: those who only could come in learn nothing of others. */
export function maySee(room: Room, asker: Jid): boolean {
  const own = room.affiliationOf(asker.bare)
  const here = room.byReal(asker)
  if (isAtLeast(own, 'admin')) return true
  return room.seesAddresses(here?.role ?? 'none') && (here !== undefined || own === 'member')
}
