import type { Ack, Event, Origin, Place } from '@parley/adapter'
import { isRoom } from './canonical.ts'
import type { Login, Person } from './person.ts'
import type { World } from './world.ts'

/** What somebody says, or does to something that was said. */
export interface Said {
  readonly text: string
  readonly replyTo?: string | undefined
  readonly thread?: string | undefined
  readonly subject?: string | undefined
}

/** An event of a conversation, but for whose it is and where. */
type Bare<T> = T extends { origin: Origin } ? Omit<T, 'origin' | 'peer' | 'nick'> : never
type Told = Bare<Event>

/** What is said on the network. */
export class Talk {
  readonly #world: World
  #count = 0

  constructor(world: World) {
    this.#world = world
  }

  /** @param by the login that says it: it hears an echo, other logins of the same person hear it as from elsewhere */
  say(person: Person, to: Place, { text, replyTo, thread, subject }: Said, at: number, by?: Login): Ack {
    const id = `m${++this.#count}`
    const more = { ...(replyTo && { replyTo }), ...(thread && { thread }), ...(subject && { subject }) }
    const there = this.tell(person, to, { type: 'message', id, text, at, ...more }, by, true)
    return { id, at, level: there ? 'delivered' : 'queued' }
  }

  /** Tells everybody concerned; gives whether somebody was there to hear it. */
  tell(person: Person, to: Place, told: Told, by?: Login, lasting = false): boolean {
    const event = (peer: Place, origin: Origin) => ({ ...told, ...peer, origin }) as Event
    if (isRoom(to.peer)) {
      this.#world.rooms.say(person, to.peer, (own, nick) =>
        event({ peer: to.peer, nick }, own ? (by ? 'self-echo' : 'self-elsewhere') : 'remote'),
      )
      return true
    }
    const other = this.#world.reach(person, to)
    const there = other.isHere
    const heard = event({ peer: person.id }, 'remote')
    if (lasting) other.leave(heard)
    else other.tell(heard)
    for (const login of [...person.logins])
      login.heard(event({ peer: other.id }, login === by ? 'self-echo' : 'self-elsewhere'))
    return there
  }

  /** What is not kept: typing, attention, receipts. */
  hint(person: Person, to: Place, event: (from: Place) => Event): void {
    if (isRoom(to.peer)) {
      this.#world.rooms.say(person, to.peer, (own, nick) => (own ? undefined : event({ peer: to.peer, nick })))
    } else this.#world.reach(person, to).tell(event({ peer: person.id }))
  }
}
