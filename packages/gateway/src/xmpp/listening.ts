import type { Event } from '@parley/adapter'
import type { Contacts } from './contacts.ts'
import type { Hearing } from './hearing.ts'
import type { Network } from './network.ts'
import type { Person } from './people.ts'
import type { Rooms } from './rooms.ts'
import type { Saying } from './saying.ts'
import type { Seeing } from './seeing.ts'

export interface Ears {
  readonly contacts: Contacts
  readonly hearing: Hearing
  readonly saying: Saying
  readonly seeing: Seeing
  readonly rooms: Rooms
}

/** Takes what happens there to where it belongs, where it may come here at all. */
export class Listening {
  readonly #net: Network
  readonly #ears: Ears

  constructor(net: Network, ears: Ears) {
    this.#net = net
    this.#ears = ears
  }

  async event(person: Person, event: Event): Promise<void> {
    const { house, provider } = this.#net
    const denial = await house.access.judge(provider, person.user)
    if (denial) return house.access.deny(provider, person.user, `hear ${event.type}`, denial)
    if (await this.#isStrange(person, event)) return
    return this.#take(person, event)
  }

  async #take(person: Person, event: Event): Promise<void> {
    const { contacts, hearing, seeing, saying, rooms } = this.#ears
    if ('nick' in event && event.nick !== undefined && 'peer' in event) return rooms.said(person, event)
    switch (event.type) {
      case 'roster':
        return contacts.whole(person, event.contacts)
      case 'contact':
        return contacts.one(person, event.contact)
      case 'contact-gone':
        return contacts.lost(person, event.id)
      case 'request':
        return seeing.request(person, event)
      case 'presence':
        return seeing.presence(person, event)
      case 'avatar':
        return seeing.avatar(person, event)
      case 'message':
        return hearing.message(person, event)
      case 'typing':
        return hearing.typing(person, event)
      case 'receipt':
        return hearing.receipt(person, event)
      case 'edit':
        return hearing.edit(person, event)
      case 'retract':
        return hearing.retract(person, event)
      case 'reaction':
        return hearing.reaction(person, event)
      case 'attention':
        return hearing.attention(person, event)
      case 'bounced':
        return saying.bounced(event.key, event.error)
      case 'profile':
        person.learn(event.profile)
        return contacts.named(person, event.profile.id, event.profile.name ?? event.profile.nick)
      case 'self':
        person.self = event
        return
      case 'notice':
        await this.#net.notice(person.user, event.text)
        return
      case 'room':
        return rooms.entered(person, event.room)
      case 'room-member':
        return rooms.member(person, event)
      case 'room-member-gone':
        return rooms.memberGone(person, event)
      case 'room-left':
        return rooms.left(person, event)
      default:
        // How the session is comes as its status; a presence that was set elsewhere stays there.
        return
    }
  }

  /** Who is on nobody's list goes nowhere, where only contacts may write; it is counted. */
  async #isStrange(person: Person, event: Event): Promise<boolean> {
    const id = strangeIn(event)
    if (id === undefined) return false
    const { provider, house, federated } = this.#net
    // Whom a network has let in, it vouches for; in a federation nobody has.
    if (provider.verification === 'everyone' || (provider.verification === 'verified' && !federated)) return false
    if (person.contacts.has(id) || person.spoken.has(id)) return false
    const jid = this.#net.addresses.of(id)
    if (jid && (await house.uses.roster.view(person.user)).get(jid).listed) return false
    house.access.deny(provider, person.user, `hear ${event.type}`, 'stranger', id)
    return true
  }
}

/** Who reaches the user by this, contact or not; undefined where nobody does. */
function strangeIn(event: Event): string | undefined {
  switch (event.type) {
    case 'request':
      return event.id
    case 'message':
    case 'edit':
    case 'retract':
    case 'reaction':
      return event.nick === undefined && event.origin === 'remote' ? event.peer : undefined
    case 'typing':
    case 'attention':
      return event.nick === undefined ? event.peer : undefined
    default:
      return undefined
  }
}
