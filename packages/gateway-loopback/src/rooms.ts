import { AdapterError, type Event, type Room, type RoomMember, sameSecret } from '@parley/adapter'
import type { Person } from './person.ts'
import type { World } from './world.ts'

interface Place {
  readonly id: string
  topic: string
  topicBy: string
  readonly password: string | undefined
  readonly members: Map<string, { readonly person: Person; readonly role: RoomMember['role'] }>
}

/** Rooms of a network: made by whoever comes first, gone with the last one. */
export class Rooms {
  readonly #world: World
  readonly #rooms = new Map<string, Place>()

  constructor(world: World) {
    this.#world = world
  }

  list(): { id: string; name: string; occupants: number }[] {
    return [...this.#rooms.values()].map(({ id, topic, members }) => ({
      id,
      name: topic || id,
      occupants: members.size,
    }))
  }

  join(person: Person, id: string, nick: string, password?: string): void {
    const room: Place = this.#rooms.get(id) ?? { id, topic: '', topicBy: '', password, members: new Map() }
    if (room.password !== undefined && !sameSecret(room.password, password ?? ''))
      throw new AdapterError('denied', 'The room has another password')
    const there = room.members.get(nick)
    if (there && there.person !== person) throw new AdapterError('denied', 'Somebody has that nick')
    this.#rooms.set(id, room)
    const role = room.members.size === 0 ? 'moderator' : 'participant'
    room.members.set(nick, there ?? { person, role })
    if (!there) this.#tell(room, { type: 'room-member', id, member: { nick, role, id: person.id } }, person)
    person.tell({ type: 'room', room: this.#shown(room, nick) })
  }

  leave(person: Person, id: string, reason?: string): void {
    const { room, nick } = this.#in(person, id)
    room.members.delete(nick)
    if (room.members.size === 0) this.#rooms.delete(id)
    this.#tell(room, { type: 'room-member-gone', id, nick, ...(reason && { reason }) })
    person.tell({ type: 'room-left', id, ...(reason && { reason }) })
  }

  leaveAll(person: Person): void {
    for (const room of [...this.#rooms.values()]) if (nickOf(room, person)) this.leave(person, room.id)
  }

  setTopic(person: Person, id: string, topic: string): void {
    const { room, nick } = this.#in(person, id)
    room.topic = topic
    room.topicBy = nick
    for (const [their, { person: member }] of room.members)
      member.tell({ type: 'room', room: this.#shown(room, their) })
  }

  setNick(person: Person, id: string, nick: string): void {
    const { room, nick: before } = this.#in(person, id)
    if (room.members.has(nick)) throw new AdapterError('denied', 'Somebody has that nick already')
    const member = room.members.get(before)!
    room.members.delete(before)
    room.members.set(nick, member)
    this.#tell(room, { type: 'room-member', id, member: { nick, role: member.role, id: person.id }, before })
  }

  invite(person: Person, id: string, whom: string): void {
    this.#in(person, id)
    this.#world.known(whom).leave({ type: 'notice', text: `${person.id} invites you to ${id}` })
  }

  kick(person: Person, id: string, nick: string, reason: string): void {
    const { room, nick: own } = this.#in(person, id)
    const victim = room.members.get(nick)
    if (!victim) throw new AdapterError('not-found', 'Nobody has that nick')
    if (room.members.get(own)?.role !== 'moderator') throw new AdapterError('denied', 'Only a moderator may do that')
    this.leave(victim.person, id, reason)
  }

  /** Everybody in the room hears it, the speaker too: an echo where it was this login, else from elsewhere. */
  say(person: Person, id: string, event: (own: boolean, nick: string) => Event | undefined): void {
    const { room, nick } = this.#in(person, id)
    for (const { person: member } of room.members.values()) {
      const heard = event(member === person, nick)
      if (heard) member.tell(heard)
    }
  }

  #in(person: Person, id: string): { readonly room: Place; readonly nick: string } {
    const room = this.#rooms.get(id)
    const nick = room && nickOf(room, person)
    if (!room || nick === undefined) throw new AdapterError('not-found', 'You are not in that room')
    return { room, nick }
  }

  #tell(room: Place, event: Event, except?: Person): void {
    for (const { person } of room.members.values()) if (person !== except) person.tell(event)
  }

  #shown(room: Place, nick: string): Room {
    const members = [...room.members].map(([each, { person, role }]) => ({ nick: each, role, id: person.id }))
    return { id: room.id, nick, members, ...(room.topic && { topic: room.topic, topicBy: room.topicBy }) }
  }
}

function nickOf(room: Place, person: Person): string | undefined {
  for (const [nick, member] of room.members) if (member.person === person) return nick
  return undefined
}
