import type { EventOf, Room } from '@parley/adapter'
import { Jid } from '@parley/jid'
import { errorOf, type Iq, type Message, NS, type Presence, resultOf, type Stanza, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Transit } from '@xmpp/server-core'
import { clean, cleanLine } from '../engine/text/clean.ts'
import { refusal } from './access.ts'
import { MUC, MUC_ADMIN, PING } from './namespaces.ts'
import type { Network } from './network.ts'
import type { Person, Visit } from './people.ts'
import { refusalOf } from './refusals.ts'
import { RoomTalk } from './room-talk.ts'
import { RoomView } from './room-view.ts'

/** Rooms that one answer names. */
const LISTED = 500

/** What clients are in before the network has said that the room is theirs. */
interface Entering {
  readonly nick: string
  readonly clients: Map<string, Presence>
}

/** Rooms of a network (XEP-0045), each user's with a view of its own: who is there is said by the network. */
export class Rooms {
  readonly #net: Network
  readonly #view: RoomView
  readonly #talk: RoomTalk
  /** By user and room. */
  readonly #entering = new Map<string, Entering>()

  constructor(net: Network) {
    this.#net = net
    this.#view = new RoomView(net)
    this.#talk = new RoomTalk(net, this.#view)
  }

  /** Whether a stanza is for a room: it says so, or its sender is in that room. */
  concerns(stanza: Stanza, id: string): boolean {
    if (stanza.name === 'message' && stanza.type === 'groupchat') return true
    if (stanza.name === 'presence' && stanza.child('x', MUC)) return true
    const isIn = this.visit(stanza.from!, id) ?? this.#entering.get(entry(stanza.from!.bare, id))
    return !stanza.to!.isBare && isIn !== undefined && isIn.clients.has(stanza.from!.text)
  }

  visit(client: Jid, id: string): Visit | undefined {
    const visit = this.#net.people.find(client.bare)?.rooms.get(id)
    return visit?.clients.has(client.text) ? visit : undefined
  }

  /** Whether the user is in that room, or the network has listed it. */
  knows(user: Jid, id: string): boolean {
    const person = this.#net.people.find(user)
    return person?.rooms.has(id) === true || person?.listed.has(id) === true
  }

  // ── what clients want ──

  /** Rooms that the network shows, for those who may enter. */
  async list(client: Jid): Promise<Element[]> {
    const { house, provider, people } = this.#net
    const user = client.bare
    if (await house.access.judge(provider, user)) return []
    const found = await house.engine.run(this.#net.keyOf(user), 'listRooms', this.#net.by(user)).catch(() => [])
    const { listed } = people.of(user)
    listed.clear()
    return found.slice(0, LISTED).flatMap(({ id, name = id }) => {
      const jid = this.#net.addresses.of(id)
      if (!jid) return []
      listed.add(id)
      return [el('item', NS.discoItems, { jid, name: clean(name) })]
    })
  }

  async presence(presence: Presence, id: string): Promise<void> {
    const client = presence.from!
    try {
      if (presence.type === 'available') await this.#come(presence, id, client)
      else if (presence.type === 'unavailable') await this.#go(id, client)
    } catch (error) {
      this.#stays(client, id)
      await this.#net.house.route(errorOf(presence, refusalOf(error, this.#net.house.log)))
    }
  }

  message(message: Message, id: string, transit: Transit): void {
    const visit = this.visit(message.from!, id)
    if (!visit) throw new StanzaError('not-acceptable', 'You are not in that room there')
    this.#talk.receive(message, id, visit, transit)
  }

  /** Requests to a room: who looks whether they are still there (XEP-0410), who throws somebody out. */
  async iq(iq: Iq, id: string): Promise<Iq | undefined> {
    const visit = this.visit(iq.from!, id)
    if (iq.payload.is('ping', PING) && !iq.to!.isBare) {
      if (!visit) throw new StanzaError('not-acceptable', 'You are not there')
      if (iq.to!.resource !== visit.room.nick) throw new StanzaError('service-unavailable', 'They are not asked there')
      return resultOf(iq)
    }
    const item = iq.payload.is('query', MUC_ADMIN) ? iq.payload.child('item') : undefined
    if (!visit || !item || iq.type !== 'set') return undefined
    const { nick, role } = item.attrs
    if (nick === undefined || role !== 'none')
      throw new StanzaError('feature-not-implemented', 'Only throwing out works there')
    const { house } = this.#net
    const user = iq.from!.bare
    const reason = cleanLine(item.textOf('reason') ?? '')
    await house.engine.run(this.#net.keyOf(user), 'kick', id, nick, reason, this.#net.by(user))
    return resultOf(iq)
  }

  /** A client that is not there any more has left (a client that cannot be reached is a ghost otherwise). */
  undelivered(message: Message, id: string | undefined): void {
    const client = message.from!
    if (id === undefined || client.isBare || !this.visit(client, id)) return
    this.#go(id, client).catch((error: unknown) => this.#net.house.log.warn('a room was not left', { error }))
  }

  // ── what the network says ──

  async entered(person: Person, room: Room): Promise<void> {
    const entering = this.#entering.get(entry(person.user, room.id))
    this.#entering.delete(entry(person.user, room.id))
    const before = person.rooms.get(room.id)
    if (!before && !entering) return this.#empty(person, room.id)
    const visit = before ?? { room, clients: new Set<string>() }
    const old = visit.room
    visit.room = room
    person.rooms.set(room.id, visit)
    if (before) await this.#view.changed(visit, old)
    for (const [client] of entering?.clients ?? []) await this.#show(visit, Jid.parse(client), entering?.nick)
  }

  async member(person: Person, { id, member, before }: EventOf<'room-member'>): Promise<void> {
    const visit = person.rooms.get(id)
    if (!visit) return
    const old = visit.room
    const others = old.members.filter(({ nick }) => nick !== member.nick && nick !== before)
    visit.room = { ...old, members: [...others, member], ...(before === old.nick && { nick: member.nick }) }
    if (before !== undefined) await this.#view.renamed(visit, before, member)
    else await this.#view.member(visit, member)
  }

  async memberGone(person: Person, { id, nick, reason }: EventOf<'room-member-gone'>): Promise<void> {
    const visit = person.rooms.get(id)
    if (!visit) return
    visit.room = { ...visit.room, members: visit.room.members.filter(member => member.nick !== nick) }
    await this.#view.gone(visit, nick, reason)
  }

  /** The network has put the user out of a room. */
  async left(person: Person, { id, reason, banned }: EventOf<'room-left'>): Promise<void> {
    const visit = person.rooms.get(id)
    person.rooms.delete(id)
    if (visit) await this.#view.out(visit, banned ? [301] : [307], reason)
  }

  async said(person: Person, event: Parameters<RoomTalk['said']>[1]): Promise<void> {
    const { peer } = event
    const isAwaited = person.rooms.has(peer) || this.#entering.has(entry(person.user, peer))
    return isAwaited ? this.#talk.said(person, event) : this.#empty(person, peer)
  }

  /** The session is online: rooms that the network has brought back, and nobody is in, are left. */
  begun(person: Person): void {
    for (const id of person.empty) this.#vacate(person, id)
  }

  /** The session is over, and the rooms with it (XEP-0045 §12.2). */
  async closed(person: Person): Promise<void> {
    for (const visit of person.rooms.values()) await this.#view.out(visit, [332], undefined)
    person.rooms.clear()
  }

  async #come(presence: Presence, id: string, client: Jid): Promise<void> {
    const { house, provider, people } = this.#net
    const user = client.bare
    const nick = presence.to!.resource
    const visit = people.find(user)?.rooms.get(id)
    if (visit?.clients.has(client.text) && !presence.child('x', MUC)) return this.#rename(visit, user, id, nick)
    await house.access.check(provider, user, 'enter a room')
    if (!provider.rooms || !this.#net.can('rooms', 'out')) {
      house.access.deny(provider, user, 'enter a room', 'rooms', id)
      throw refusal('rooms')
    }
    if (!this.#net.federated && !(await house.registered.of(user)).has(this.#net.id))
      throw new StanzaError('registration-required', 'Rooms are for those who are registered with this network')
    if (nick === '') throw new StanzaError('jid-malformed', 'Say by which name you want to enter')
    if (visit) return this.#show(visit, client, nick)
    const key = entry(user, id)
    const entering = this.#entering.get(key) ?? { nick, clients: new Map() }
    const isFirst = entering.clients.size === 0
    entering.clients.set(client.text, presence)
    this.#entering.set(key, entering)
    if (!isFirst) return
    const password = presence.child('x', MUC)?.textOf('password')
    await house.engine.run(
      this.#net.keyOf(user),
      'joinRoom',
      id,
      nick,
      password && cleanLine(password),
      this.#net.by(user),
    )
  }

  /** A client that was entering is not any more. */
  #stays(client: Jid, id: string): void {
    const key = entry(client.bare, id)
    const clients = this.#entering.get(key)?.clients
    if (clients?.delete(client.text) && clients.size === 0) this.#entering.delete(key)
  }

  /** Nobody of ours is in a room that the network has the user in: who entered has gone, or the room came back with the session. */
  #empty(person: Person, id: string): void {
    if (person.empty.has(id)) return
    person.empty.add(id)
    if (this.#net.federated || person.told?.state === 'online') this.#vacate(person, id)
  }

  /** Whoever brings the news does not wait for it. */
  #vacate(person: Person, id: string): void {
    const { house } = this.#net
    const { user } = person
    const left = house.engine
      .run(this.#net.keyOf(user), 'leaveRoom', id, this.#net.by(user))
      .catch((error: unknown) => {
        house.log.debug('a room that nobody is in was not left', { error })
      })
    void left.then(() => person.empty.delete(id))
  }

  #rename(visit: Visit, user: Jid, id: string, nick: string): Promise<void> | undefined {
    if (nick === visit.room.nick || nick === '') return undefined
    return this.#net.house.engine.run(this.#net.keyOf(user), 'setNick', id, nick, this.#net.by(user))
  }

  /** Another client of a user who is in the room already has the same nick there. */
  async #show(visit: Visit, client: Jid, wanted: string | undefined): Promise<void> {
    visit.clients.add(client.text)
    await this.#view.whole(visit, client, wanted)
    const { nick, id } = visit.room
    if (wanted !== undefined && wanted !== nick) await this.#net.notice(client.bare, `In ${id} you are called ${nick}.`)
  }

  async #go(id: string, client: Jid): Promise<void> {
    const { house, people } = this.#net
    const user = client.bare
    const visit = people.find(user)?.rooms.get(id)
    if (!visit) this.#stays(client, id)
    if (!visit?.clients.delete(client.text)) return
    await this.#view.bye(visit, client)
    if (visit.clients.size > 0) return
    people.find(user)?.rooms.delete(id)
    await house.engine.run(this.#net.keyOf(user), 'leaveRoom', id, this.#net.by(user)).catch((error: unknown) => {
      house.log.debug('a room was left while the network was away', { error })
    })
  }
}

function entry(user: Jid, id: string): string {
  return `${user.text}\n${id}`
}
