import type { Contact, Event, Presence, Profile } from '@parley/adapter'

/** Who is logged in as somebody: a session of the adapter, or a test that plays a person. */
export interface Login {
  heard(event: Event): void
  /** The same person has logged in elsewhere, or the connection was cut. */
  thrown(reason: 'replaced' | 'cut'): void
}

const AWAY: Presence = { show: 'unavailable' }
/** What waits for somebody who is away. */
const WAITING = 1000

/** Somebody of the network. */
export class Person {
  readonly id: string
  profile: Profile
  picture: { readonly bytes: Uint8Array; readonly type: string } | undefined
  /** What they say of themselves; others see it while somebody is logged in. */
  presence: Presence = { show: 'available' }
  readonly contacts = new Map<string, Contact>()
  /** Who has asked to see their presence, and what was said. */
  readonly requests = new Map<string, string | undefined>()
  readonly blocked = new Set<string>()
  readonly logins = new Set<Login>()
  readonly #waiting: Event[] = []

  constructor(id: string) {
    this.id = id
    this.profile = { id, name: id.slice(0, 1).toUpperCase() + id.slice(1) }
  }

  get isHere(): boolean {
    return this.logins.size > 0
  }

  /** What others see. */
  get seen(): Presence {
    if (!this.isHere || this.presence.show === 'invisible') return AWAY
    return this.presence
  }

  /** Everybody who is logged in as this person, but for one. */
  tell(event: Event, except?: Login): void {
    for (const login of [...this.logins]) if (login !== except) login.heard(event)
  }

  /** What must not be lost waits while nobody is logged in. */
  leave(event: Event): void {
    if (this.isHere) this.tell(event)
    else if (this.#waiting.length < WAITING) this.#waiting.push(event)
  }

  takeWaiting(): readonly Event[] {
    return this.#waiting.splice(0)
  }

  contact(id: string, change: Partial<Contact>): void {
    const contact: Contact = { subscription: 'none', ...this.contacts.get(id), ...change, id }
    this.contacts.set(id, contact)
    this.tell({ type: 'contact', contact })
  }
}
