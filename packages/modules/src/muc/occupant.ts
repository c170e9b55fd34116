import type { Jid } from '@parley/jid'
import { NS } from '@parley/stanza'
import { type Element, el, type Node } from '@parley/xml'
import type { Looks } from './looks.ts'
import { HATS, MUC, USER } from './namespaces.ts'
import type { Affiliation, Role } from './roles.ts'

/** One client of an occupant. */
export interface Seat {
  /** Its real address. */
  readonly jid: Jid
  /** What it says of its state: children of its presence, without what only a room may say. */
  state: readonly Node[]
  /** Wants to know who belongs to the room, version by version (XEP-0463). */
  readonly counts?: boolean | undefined
}

/** Somebody in a room. Several clients of one account may share a nick. */
export interface Occupant {
  nick: string
  /** Of the nick. */
  looks: Looks
  /** room@service/nick */
  jid: Jid
  readonly account: Jid
  /** XEP-0421: the same for every visit. */
  readonly id: string
  role: Role
  affiliation: Affiliation
  /** What it wears (XEP-0317). */
  hats: Element | undefined
  readonly seats: Map<string, Seat>
}

/** XEP-0421 §4: in everything that comes from an occupant. */
export function idElement(id: string): Element {
  return el('occupant-id', NS.occupantId, { id })
}

/** The client that came last speaks for an occupant. */
export function stateOf({ seats }: Occupant): readonly Node[] {
  let state: readonly Node[] = []
  for (const seat of seats.values()) state = seat.state
  return state
}

/** What only the room says is not taken from a client (threats 60, 86). */
const RESERVED: ReadonlySet<string> = new Set([MUC, USER, NS.occupantId, HATS])

export function withoutReserved(nodes: readonly Node[]): readonly Node[] {
  return nodes.some(isReserved) ? nodes.filter(node => !isReserved(node)) : nodes
}

function isReserved(node: Node): boolean {
  return typeof node !== 'string' && RESERVED.has(node.ns)
}

/** What has happened, in numbers (XEP-0045 §15.6). */
export function statuses(codes: readonly number[]): readonly Element[] {
  return codes.map(code => el('status', USER, { code: String(code) }))
}
