import type { Contact, Presence, Profile, Room } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import type { AccountStatus } from '../engine.ts'

/** Users of a federated network of whom something is kept in memory; the one who was used longest ago goes first. */
const KEPT = 50_000
/** Profiles that are remembered for one user. */
const PROFILES = 200
/** People whom a user has written to, and messages that have come. */
const SPOKEN = 1000

/** A room there that a user is in, with the clients that are. */
export interface Visit {
  room: Room
  /** Full JIDs of the user's clients that have entered. */
  readonly clients: Set<string>
}

/** What is known of one user's side of a network: as the network told it. Lasting things are elsewhere. */
export class Person {
  readonly user: Jid
  readonly contacts = new Map<string, Contact>()
  readonly presences = new Map<string, Presence>()
  /** Pictures, by contact: names of `Engine.media`. */
  readonly avatars = new Map<string, string>()
  readonly profiles = new Map<string, Profile>()
  /** Who wants to see the user's presence and has no answer yet. */
  readonly requests = new Set<string>()
  /** To whom the user has written: they may answer, contacts or not. */
  readonly spoken = new Set<string>()
  /** Messages of the user of which it was told already that they have come. */
  readonly arrived = new Set<string>()
  /** Who is writing just now, with what ends it. */
  readonly typing = new Map<string, () => void>()
  readonly rooms = new Map<string, Visit>()
  /** Rooms that the network has the user in, and no client is: they are to be left. */
  readonly empty = new Set<string>()
  /** What is to be done there when the session is online. */
  readonly pending: (() => Promise<unknown>)[] = []
  /** Rooms that the network has named when it was asked last. */
  readonly listed = new Set<string>()
  /** How the session was when that was told last. */
  told: AccountStatus | undefined
  /** What the network was told last of the user's presence. */
  shown: string | undefined
  self: { readonly id: string; readonly name?: string } | undefined

  constructor(user: Jid) {
    this.user = user
  }

  speaks(id: string): void {
    this.spoken.add(id)
    if (this.spoken.size > SPOKEN) this.spoken.delete(this.spoken.values().next().value!)
  }

  /** False: that was told already. */
  arrives(id: string): boolean {
    if (this.arrived.has(id)) return false
    this.arrived.add(id)
    if (this.arrived.size > SPOKEN) this.arrived.delete(this.arrived.values().next().value!)
    return true
  }

  learn(profile: Profile): void {
    this.profiles.set(profile.id, profile)
    if (this.profiles.size > PROFILES) this.profiles.delete(this.profiles.keys().next().value!)
  }

  /** Nothing of this comes any more. */
  stop(): void {
    for (const end of this.typing.values()) end()
    this.typing.clear()
  }
}

/** Users of one network whose session is served here. */
export class People {
  readonly #people = new Map<string, Person>()

  get all(): Iterable<Person> {
    return this.#people.values()
  }

  find(user: Jid): Person | undefined {
    return this.#people.get(user.text)
  }

  of(user: Jid): Person {
    const person = this.#people.get(user.text) ?? new Person(user)
    this.#people.delete(user.text)
    this.#people.set(user.text, person)
    if (this.#people.size > KEPT) this.forget(this.#people.values().next().value!.user)
    return person
  }

  forget(user: Jid): void {
    this.#people.get(user.text)?.stop()
    this.#people.delete(user.text)
  }
}
