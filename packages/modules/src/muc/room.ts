import type { Jid } from '@parley/jid'
import { Body, Message, Presence, type Stanza } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { Affiliations } from './affiliations.ts'
import type { RoomConfig } from './config.ts'
import { Hats } from './hats.ts'
import { Journal } from './journal.ts'
import { looksOf } from './looks.ts'
import { USER } from './namespaces.ts'
import { idElement, type Occupant, type Seat, stateOf, statuses } from './occupant.ts'
import { type Affiliation, hasRole, isAtLeast, type Role, roleOf } from './roles.ts'

/** What somebody is to a room, and what the room knows of that. */
export interface Affiliated {
  readonly affiliation: Affiliation
  /** Reserved for this account (XEP-0045 §7.10). */
  readonly nick?: string
  readonly reason?: string
}

export interface Subject {
  /** The occupant who set it. */
  readonly from: string
  readonly text: string
  /** The `<subject/>` and what stood beside it, as XML. */
  readonly xml: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What is said beside a presence: status codes for everybody and for the occupant alone, and what goes into its item. */
export interface Remark {
  readonly codes?: readonly number[]
  readonly selfCodes?: readonly number[]
  readonly nick?: string
  readonly reason?: string | undefined
  readonly actor?: string | undefined
  /** What else goes beside the item: for everybody, and for the occupant alone. */
  readonly marks?: readonly Element[] | undefined
  readonly selfMarks?: readonly Element[] | undefined
  /** Instead of the state of the client. */
  readonly state?: readonly (Element | string)[]
  /** The presence that this answers: whoever sent it gets its own back under the same id (§7.2.2). */
  readonly cause?: Presence
}

/** What a room needs of the world around it. */
export interface Outside {
  /** Something for one client. */
  send(stanza: Stanza): void
  /** A message that only a client has to do with, in the order of presence and of what is said to all. */
  hand(message: Message): void
  /** A client is here now, or is here in another way. */
  seated(room: Room, occupant: Occupant, seat: Seat): void
  /** A client is here no longer. */
  stood(room: Room, real: string): void
  /** A member has no client here any more. */
  away(room: Room, account: Jid): void
}

/** Who is in a room and how it is set up. What may happen in it is in the files beside. */
export class Room {
  readonly jid: Jid
  config: RoomConfig
  subject: Subject | undefined
  /** Being set up by its first owner: nobody else gets in (XEP-0045 §10.1.2). */
  isLocked = false
  readonly affiliations: Affiliations
  journal = new Journal()
  hats = new Hats()
  readonly #occupants = new Map<string, Occupant>()
  readonly #bySeat = new Map<string, Occupant>()
  readonly #outside: Outside

  constructor(jid: Jid, config: RoomConfig, affiliations: Iterable<readonly [string, Affiliated]>, outside: Outside) {
    this.jid = jid
    this.config = config
    this.affiliations = new Affiliations(affiliations)
    this.#outside = outside
  }

  send(stanza: Stanza): void {
    this.#outside.send(stanza)
  }

  hand(message: Message): void {
    this.#outside.hand(message)
  }

  get occupants(): Iterable<Occupant> {
    return this.#occupants.values()
  }

  get size(): number {
    return this.#occupants.size
  }

  affiliationOf(account: Jid): Affiliation {
    return this.affiliations.get(account.text)?.affiliation ?? 'none'
  }

  byNick(nick: string): Occupant | undefined {
    return this.#occupants.get(nick)
  }

  /** The occupant whose client has that real address. */
  byReal(jid: Jid): Occupant | undefined {
    return this.#bySeat.get(jid.text)
  }

  ofAccount(account: Jid): Occupant[] {
    return [...this.#occupants.values()].filter(occupant => occupant.account.equals(account))
  }

  /** Somebody who has no client here yet; without a role, what the account has by its affiliation. */
  newcomer(nick: string, account: Jid, id: string, role?: Role): Occupant {
    const affiliation = this.affiliationOf(account)
    return {
      nick,
      looks: looksOf(nick),
      jid: this.jid.withResource(nick),
      account,
      id,
      role: role ?? roleOf(affiliation, this.config),
      affiliation,
      hats: this.hats.elementOf(account),
      seats: new Map(),
    }
  }

  sit(occupant: Occupant, seat: Seat): void {
    this.#occupants.set(occupant.nick, occupant)
    // The last one to come is the last one in order.
    occupant.seats.delete(seat.jid.text)
    occupant.seats.set(seat.jid.text, seat)
    this.#bySeat.set(seat.jid.text, occupant)
    this.#outside.seated(this, occupant, seat)
  }

  /** True: it was the occupant's last client. */
  stand(occupant: Occupant, real: Jid): boolean {
    occupant.seats.delete(real.text)
    this.#bySeat.delete(real.text)
    this.#outside.stood(this, real.text)
    if (occupant.seats.size > 0) return false
    this.#gone(occupant)
    return true
  }

  remove(occupant: Occupant): void {
    for (const text of occupant.seats.keys()) {
      this.#bySeat.delete(text)
      this.#outside.stood(this, text)
    }
    this.#gone(occupant)
  }

  #gone({ nick, account, affiliation }: Occupant): void {
    this.#occupants.delete(nick)
    if (isAtLeast(affiliation, 'member') && this.ofAccount(account).length === 0) this.#outside.away(this, account)
  }

  rename(occupant: Occupant, nick: string): void {
    this.#occupants.delete(occupant.nick)
    occupant.nick = nick
    occupant.looks = looksOf(nick)
    occupant.jid = this.jid.withResource(nick)
    this.#occupants.set(nick, occupant)
  }

  /** What an occupant may do has changed. */
  setRole(occupant: Occupant, role: Role): void {
    occupant.role = role
    for (const seat of occupant.seats.values()) this.#outside.seated(this, occupant, seat)
  }

  /** Whether somebody with that role sees real addresses (§4.2). */
  seesAddresses(role: Role): boolean {
    return this.config.whois === 'anyone' || role === 'moderator'
  }

  /** To all clients of all occupants; one body for all. */
  say(message: Message, wanted: (occupant: Occupant) => boolean = () => true): void {
    for (const occupant of this.#occupants.values()) {
      if (!wanted(occupant)) continue
      for (const { jid } of occupant.seats.values()) this.send(message.addressed(jid))
    }
  }

  /** Something has happened to the room itself (§15.6). */
  sayStatus(codes: readonly number[]): void {
    const x = el('x', USER, null, statuses(codes))
    this.say(new Message({ type: 'groupchat', from: this.jid }, Body.of([x])))
  }

  /** Tells everybody how an occupant is now (§7.1); the occupant as the last one (§7.1 "self-presence"). */
  announce(occupant: Occupant, remark: Remark = {}): void {
    const bodies = this.bodies(occupant, remark)
    if (this.isShown(occupant.role)) {
      for (const other of this.#occupants.values()) {
        if (other !== occupant) this.#show(occupant, other, 'available', bodies)
      }
    }
    for (const { jid } of occupant.seats.values()) this.tell(occupant, jid, 'available', bodies.self, remark)
  }

  /** Tells everybody that an occupant, who is out already, has gone; `seats` are the clients that it had. */
  farewell(occupant: Occupant, seats: Iterable<Seat>, remark: Remark = {}): void {
    this.vanish(occupant, { ...occupant, role: 'none' }, seats, remark)
  }

  /** Tells everybody that somebody is not here under an address any more; `as` is what it is from now on. */
  vanish(occupant: Occupant, as: Occupant, seats: Iterable<Seat>, remark: Remark): void {
    const bodies = this.bodies(as, { state: [], ...remark })
    for (const { jid } of seats) this.tell(occupant, jid, 'unavailable', bodies.self, remark)
    if (!this.isShown(occupant.role)) return
    for (const other of this.#occupants.values()) {
      if (other.account !== occupant.account || other.nick !== remark.nick)
        this.#show(occupant, other, 'unavailable', bodies)
    }
  }

  /** An occupant's own presence, for one of its clients. */
  tell({ jid: from }: Occupant, to: Jid, type: 'available' | 'unavailable', self: Body, { cause }: Remark): void {
    const id = cause?.from?.equals(to) ? cause.id : undefined
    this.send(new Presence({ type, from, to, id }, self))
  }

  /** Tells one client about all others (§7.2.2). */
  introduce(to: Jid, role: Role, except: Occupant): void {
    for (const other of this.#occupants.values()) {
      if (other === except || !this.isShown(other.role)) continue
      const body = bodyOf(other, {}, this.seesAddresses(role))
      this.send(new Presence({ type: 'available', from: other.jid, to }, body))
    }
  }

  /** §7.2.2: visitors and others may be left out of what occupants see. */
  isShown(role: Role): boolean {
    return role === 'none' || this.config.shownRoles.includes(role)
  }

  /** The children of an occupant's presence: for those who see addresses, those who do not, and the occupant. */
  bodies(occupant: Occupant, remark: Remark): Bodies {
    const { codes = [], selfCodes = [], marks = [], selfMarks = [] } = remark
    const own = selfMarks.length > 0 ? { ...remark, marks: [...marks, ...selfMarks] } : remark
    return {
      known: bodyOf(occupant, remark, true),
      hidden: bodyOf(occupant, remark, false),
      self: bodyOf(occupant, own, true, [110, ...codes, ...selfCodes]),
    }
  }

  #show(occupant: Occupant, to: Occupant, type: 'available' | 'unavailable', bodies: Bodies): void {
    const body = this.seesAddresses(to.role) ? bodies.known : bodies.hidden
    for (const { jid } of to.seats.values()) this.send(new Presence({ type, from: occupant.jid, to: jid }, body))
  }
}

interface Bodies {
  readonly known: Body
  readonly hidden: Body
  readonly self: Body
}

function bodyOf(occupant: Occupant, remark: Remark, address: boolean, codes = remark.codes ?? []): Body {
  const state = remark.state ?? stateOf(occupant)
  const mark = idElement(occupant.id)
  const item = itemOf(occupant, remark, address, codes)
  return Body.of(occupant.hats ? [...state, item, mark, occupant.hats] : [...state, item, mark])
}

function itemOf(occupant: Occupant, remark: Remark, address: boolean, codes: readonly number[]): Element {
  const [seat] = occupant.seats.values()
  const attrs = {
    affiliation: occupant.affiliation,
    role: occupant.role,
    jid: address ? (seat?.jid ?? occupant.account).text : undefined,
    nick: remark.nick,
  }
  return el(
    'x',
    USER,
    null,
    remark.marks,
    el(
      'item',
      USER,
      attrs,
      remark.actor === undefined ? undefined : el('actor', USER, { nick: remark.actor }),
      remark.reason === undefined ? undefined : el('reason', USER, null, remark.reason),
    ),
    statuses(codes),
  )
}

/** Whether an occupant has voice. */
export function maySpeak({ role }: Occupant): boolean {
  return hasRole(role, 'participant')
}
