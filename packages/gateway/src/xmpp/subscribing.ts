import type { Jid } from '@parley/jid'
import { Presence, type PresenceType } from '@parley/stanza'
import { clean, cleanLine } from '../engine/text/clean.ts'
import type { Contacts } from './contacts.ts'
import type { Network } from './network.ts'
import { refusalOf } from './refusals.ts'
import { type Seeing, sees } from './seeing.ts'
import type { Showing } from './showing.ts'

/** Networks that have none of these, such as mail, are not told of contacts: there is nothing that they would do. */
const TOLD = [
  ['roster', 'out'],
  ['authorization', 'out'],
  ['presence', 'in'],
] as const

export interface SubscribingParts {
  readonly contacts: Contacts
  readonly seeing: Seeing
  readonly showing: Showing
}

/** Requests to see and to be seen, from here to there. What comes from there is an event: contacts and requests. */
export class Subscribing {
  readonly #net: Network
  readonly #parts: SubscribingParts

  constructor(net: Network, parts: SubscribingParts) {
    this.#net = net
    this.#parts = parts
  }

  async receive(presence: Presence, id: string): Promise<void> {
    const { house, provider } = this.#net
    const user = presence.from!.bare
    const jid = presence.to!.bare
    switch (presence.type) {
      case 'subscribe':
        try {
          await house.access.check(provider, user, 'add a contact')
          await this.#add(user, jid, id, presence.textOf('status'))
        } catch (error) {
          await this.#answer('unsubscribed', jid, user)
          await this.#net.notice(user, `${id} could not be added: ${refusalOf(error, house.log).text}`)
        }
        return
      case 'subscribed':
        return this.#decide(user, id, true)
      case 'unsubscribed': {
        const person = this.#net.people.find(user)
        if (person?.requests.has(id)) await this.#decide(user, id, false)
        // A presence that is shared no longer: the contact stays where it is, here and there.
        else await this.#hide(user, id)
        return
      }
      case 'unsubscribe':
        await this.#leave(user, id)
        return this.#answer('unavailable', jid, user)
      default:
        return
    }
  }

  async #add(user: Jid, jid: Jid, id: string, text: string | undefined): Promise<void> {
    if (TOLD.some(([feature, way]) => this.#net.can(feature, way))) await this.#tell(user, jid, id, text)
    // Where nobody is asked, nobody answers.
    if (this.#net.can('authorization', 'out')) return
    const { uses } = this.#net.house
    const saw = sees((await uses.roster.view(user)).get(jid))
    await this.#answer('subscribed', jid, user)
    if (!saw) await this.#parts.seeing.begins(user, id)
  }

  async #tell(user: Jid, jid: Jid, id: string, text: string | undefined): Promise<void> {
    const { house } = this.#net
    await this.#parts.contacts.wanted(user, id)
    await this.#introduce(user)
    const { name, groups } = (await house.uses.roster.view(user)).get(jid)
    const details = {
      ...(name !== undefined && { name: cleanLine(name) }),
      groups: groups.map(cleanLine),
      ...(text !== undefined && { text: clean(text) }),
    }
    await house.engine.run(this.#net.keyOf(user), 'addContact', id, details, this.#net.by(user))
  }

  async #decide(user: Jid, id: string, yes: boolean): Promise<void> {
    const { house } = this.#net
    this.#net.people.find(user)?.requests.delete(id)
    if (!this.#net.can('authorization', 'in')) return
    try {
      await this.#introduce(user)
      await house.engine.run(this.#net.keyOf(user), 'answer', id, yes, this.#net.by(user))
    } catch (error) {
      await this.#net.notice(user, `${id} did not get your answer: ${refusalOf(error, house.log).text}`)
    }
  }

  /** A network for all hears how a user is from the first contact on, and not with the next change only. */
  async #introduce(user: Jid): Promise<void> {
    if (this.#net.federated) await this.#parts.showing.again(user)
  }

  async #hide(user: Jid, id: string): Promise<void> {
    if (!this.#net.federated) return
    const { engine, log } = this.#net.house
    const gone = { show: 'unavailable' } as const
    await engine.run(this.#net.keyOf(user), 'sendPresence', id, gone, this.#net.by(user)).catch((error: unknown) => {
      log.debug('a contact was not told that presence is not shared any more', { error })
    })
  }

  /** Where each contact is seen by leave of their own, that leave is given back (RFC 8048 §5.2.3). */
  async #leave(user: Jid, id: string): Promise<void> {
    if (!this.#net.federated || !this.#net.can('authorization', 'out')) return
    const { engine, log } = this.#net.house
    await this.#parts.contacts.left(user, id)
    await engine.run(this.#net.keyOf(user), 'leaveContact', id, this.#net.by(user)).catch((error: unknown) => {
      log.debug('a contact was not told that nobody watches any more', { error })
    })
  }

  async #answer(type: PresenceType, from: Jid, to: Jid): Promise<void> {
    await this.#net.house.route(new Presence({ type, from, to }))
  }
}
