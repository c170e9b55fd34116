import type { Contact, Event, Presence, Vault } from '@parley/adapter'
import type { Call } from '../wire/agent.ts'
import type { Publisher } from './publisher.ts'
import { Relations } from './relations.ts'
import { Watchers, type WatchersUse } from './watchers.ts'
import { Watching, type WatchingUse } from './watching.ts'

export interface PresenceUse extends Omit<WatchingUse, 'events'>, Omit<WatchersUse, 'allowed' | 'asks' | 'presence'> {
  readonly kv: Vault
  readonly publisher: Publisher | undefined
  emit(event: Event): void
  /** Something went wrong that nobody waits for. */
  failed(error: unknown): void
}

const NOBODY: Presence = { show: 'unavailable' }

/** Who sees whom: what users have decided, and the dialogs that come and go by it (RFC 8048). */
export class PresenceService {
  readonly #use: PresenceUse
  readonly #relations: Relations
  readonly #watching: Watching
  readonly #watchers: Watchers
  /** Those of our users who are here. */
  readonly #online = new Map<string, Presence>()
  /** What is learnt of one user is told in the order in which it was learnt. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(use: PresenceUse) {
    this.#use = use
    this.#relations = new Relations(use.kv)
    this.#watchers = new Watchers({
      ...use,
      uri: user => use.uri(user),
      contact: user => use.contact(user),
      allowed: (user, id) => this.#relations.allows(user, id),
      asks: (user, id) => use.emit({ type: 'request', user, id }),
      presence: user => shown(this.#online.get(user)),
    })
    this.#watching = new Watching({
      ...use,
      uri: user => use.uri(user),
      contact: user => use.contact(user),
      events: {
        seen: (user, id, presence) => this.#inTurn(user, () => this.#seen(user, id, presence)),
        unseen: (user, id) => this.#inTurn(user, async () => this.#presence(user, id, NOBODY)),
        refused: (user, id) => this.#inTurn(user, () => this.#refused(user, id)),
      },
    })
  }

  async set(user: string, presence: Presence): Promise<void> {
    const here = presence.show !== 'unavailable'
    const before = this.#online.has(user)
    if (here) this.#online.set(user, presence)
    else this.#online.delete(user)
    this.#watchers.tell(user, shown(presence))
    this.#use.publisher?.tell(user, presence)
    if (!here) this.#watching.stop(user)
    else if (!before)
      for (const id of await this.#relations.to(user)) if (this.#online.has(user)) this.#watching.start(user, id)
  }

  tell(user: string, id: string, presence: Presence): void {
    this.#watchers.tell(user, shown(presence), id)
  }

  async add(user: string, id: string): Promise<void> {
    await this.#relations.see(user, id, false)
    const contact = await this.#relations.contact(user, id)
    // Somebody who asks again what was granted long ago is told so.
    if (!contact.asked) this.#use.emit({ type: 'contact', user, contact })
    this.#watching.start(user, id)
  }

  /** The user does not want to see them any more; whether they see the user stays as it is (RFC 8048 §5.2.3). */
  async leave(user: string, id: string): Promise<void> {
    await this.#relations.see(user, id, undefined)
    this.#watching.stop(user, id)
  }

  async remove(user: string, id: string): Promise<void> {
    await this.#relations.see(user, id, undefined)
    this.#watching.stop(user, id)
    await this.hide(user, id)
    this.#use.emit({ type: 'contact-gone', user, id })
  }

  async hide(user: string, id: string): Promise<void> {
    await this.#relations.allow(user, id, false)
    this.#watchers.forget(user, id)
  }

  async answer(user: string, id: string, yes: boolean): Promise<void> {
    await this.#relations.allow(user, id, yes)
    this.#watchers.decide(user, id, yes)
  }

  notify(call: Call): void {
    this.#watching.serve(call)
  }

  subscribe(call: Call, user: string, id: string): Promise<void> {
    return this.#watchers.serve(call, user, id)
  }

  /** @param tell false: nobody can be told */
  async stop(tell: boolean): Promise<void> {
    this.#watching.stopAll()
    this.#use.publisher?.stop()
    await this.#watchers.stop(tell)
  }

  async #seen(user: string, id: string, presence: Presence | undefined): Promise<void> {
    if (await this.#relations.see(user, id, true)) this.#contact(await this.#relations.contact(user, id), user)
    if (presence) this.#presence(user, id, presence)
  }

  async #refused(user: string, id: string): Promise<void> {
    await this.#relations.see(user, id, undefined)
    this.#contact(await this.#relations.contact(user, id), user)
  }

  #contact(contact: Contact, user: string): void {
    this.#use.emit({ type: 'contact', user, contact })
  }

  #presence(user: string, id: string, presence: Presence): void {
    if (this.#online.has(user) || presence.show === 'unavailable')
      this.#use.emit({ type: 'presence', user, id, presence })
  }

  #inTurn(user: string, run: () => Promise<void>): void {
    const turn = (this.#turns.get(user) ?? Promise.resolve()).then(run).catch(error => this.#use.failed(error))
    this.#turns.set(user, turn)
    void turn.then(() => {
      if (this.#turns.get(user) === turn) this.#turns.delete(user)
    })
  }
}

/** Whoever is invisible is seen as whoever is not there. */
function shown(presence: Presence | undefined): Presence {
  return presence === undefined || presence.show === 'invisible' ? NOBODY : presence
}
