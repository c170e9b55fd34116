import { AdapterError, type Place, type Presence } from '@parley/adapter'
import { type Login, Person } from './person.ts'
import { Rooms } from './rooms.ts'
import { Talk } from './talk.ts'

const worlds = new Map<string, World>()

/** The network of that name: it lives as long as the thread, and whoever is in the same thread may talk there. */
export function world(name: string): World {
  const known = worlds.get(name) ?? new World()
  worlds.set(name, known)
  return known
}

/** A network in memory: people, what they know of each other, and rooms. */
export class World {
  readonly people = new Map<string, Person>()
  readonly rooms = new Rooms(this)
  readonly talk = new Talk(this)

  /** Whoever is named is there. */
  person(id: string): Person {
    const known = this.people.get(id) ?? new Person(id)
    this.people.set(id, known)
    return known
  }

  /** @throws AdapterError where there is nobody of that name */
  known(id: string): Person {
    const person = this.people.get(id)
    if (!person) throw new AdapterError('not-found', 'Nobody has that name')
    return person
  }

  /** Somebody logs in. Who was logged in as the same person before is thrown out, unless it `shares`. */
  enter(id: string, login: Login, { shares = false } = {}): Person {
    const person = this.person(id)
    if (!shares) for (const other of [...person.logins]) this.#throw(person, other, 'replaced')
    person.logins.add(login)
    return person
  }

  leave(person: Person, login: Login): void {
    if (!person.logins.delete(login) || person.isHere) return
    this.rooms.leaveAll(person)
    this.#show(person)
  }

  /** Cuts everybody off who is logged in as that person. */
  cut(id: string): void {
    const person = this.person(id)
    for (const login of [...person.logins]) this.#throw(person, login, 'cut')
  }

  #throw(person: Person, login: Login, reason: 'replaced' | 'cut'): void {
    this.leave(person, login)
    login.thrown(reason)
  }

  setPresence(person: Person, presence: Presence, by?: Login): void {
    person.presence = presence
    person.tell({ type: 'own-presence', presence }, by)
    this.#show(person)
  }

  /** Everybody who may see it sees the presence of a person as it is now. */
  #show(person: Person): void {
    for (const { id } of this.watchers(person))
      this.person(id).tell({ type: 'presence', id: person.id, presence: person.seen })
  }

  watchers(person: Person): readonly Person[] {
    return [...this.people.values()].filter(other => sees(other, person))
  }

  /** Asks to see somebody's presence. */
  add(person: Person, id: string, details: { name?: string; groups?: readonly string[]; text?: string }): void {
    const other = this.known(id)
    const { text, ...shown } = details
    const before = person.contacts.get(id)
    const isSeen = before?.subscription === 'to' || before?.subscription === 'both'
    person.contact(id, isSeen ? shown : { ...shown, asked: true })
    if (isSeen || other.requests.has(person.id)) return
    other.requests.set(person.id, text)
    other.leave({ type: 'request', id: person.id, name: person.profile.name ?? person.id, ...(text && { text }) })
  }

  /** What somebody says to who has asked. */
  answer(person: Person, id: string, yes: boolean): void {
    person.requests.delete(id)
    const other = this.known(id)
    const theirs = other.contacts.get(person.id)?.subscription
    if (!yes) {
      other.contact(person.id, { asked: false, subscription: theirs === 'both' || theirs === 'from' ? 'from' : 'none' })
      return
    }
    const mine = person.contacts.get(id)?.subscription
    person.contact(id, { subscription: mine === 'to' || mine === 'both' ? 'both' : 'from' })
    other.contact(person.id, { asked: false, subscription: theirs === 'from' || theirs === 'both' ? 'both' : 'to' })
    other.tell({ type: 'presence', id: person.id, presence: person.seen })
  }

  remove(person: Person, id: string): void {
    if (!person.contacts.delete(id)) throw new AdapterError('not-found', 'There is no such contact')
    person.tell({ type: 'contact-gone', id })
    const other = this.people.get(id)
    other?.requests.delete(person.id)
    if (!other?.contacts.has(person.id)) return
    const left = other.contacts.get(person.id)!.subscription
    other.contact(person.id, { subscription: left === 'both' || left === 'to' ? 'none' : left, asked: false })
    other.tell({ type: 'presence', id: person.id, presence: { show: 'unavailable' } })
  }

  /** The other side of a conversation. @throws AdapterError where it cannot be spoken with */
  reach(person: Person, to: Place): Person {
    const other = this.known(to.peer)
    if (other.blocked.has(person.id)) throw new AdapterError('blocked', 'They do not want to hear from you')
    return other
  }
}

/** Whether somebody sees the presence of another. */
export function sees(person: Person, other: Person): boolean {
  const subscription = person.contacts.get(other.id)?.subscription
  return (subscription === 'to' || subscription === 'both') && !other.blocked.has(person.id)
}
