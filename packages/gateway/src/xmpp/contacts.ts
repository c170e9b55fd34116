import type { Contact } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { Turns } from '@parley/modules'
import { StanzaError } from '@parley/stanza'
import type { RosterItem } from '@parley/store'
import { cleanLine } from '../engine/text/clean.ts'
import { gone, isSame, type KnownContact, knownOf, looksSame, merged } from './known.ts'
import type { Network } from './network.ts'
import type { Person } from './people.ts'
import { clearRoster } from './removing.ts'
import { type Seeing, sees } from './seeing.ts'

type List = ReadonlyMap<string, KnownContact>

/**
 * Contacts of a network in the rosters of its users, without anybody being asked. Only what has changed there since the last
 * time is changed here, so that nothing is told twice and names that a user has given stay.
 */
export class Contacts {
  readonly #net: Network
  readonly #seeing: Seeing
  readonly #turns = new Turns()

  constructor(net: Network, seeing: Seeing) {
    this.#net = net
    this.#seeing = seeing
  }

  /** The whole list, as it is after each login. */
  whole(person: Person, contacts: readonly Contact[]): Promise<void> {
    person.contacts.clear()
    for (const contact of contacts) person.contacts.set(contact.id, contact)
    return this.#change(person.user, async list => {
      const next = new Map<string, KnownContact>()
      for (const contact of contacts) next.set(contact.id, await this.#take(person, list.get(contact.id), contact))
      for (const [id, { removed }] of list) if (!next.has(id) && !removed) await this.#drop(person.user, id)
      return next
    })
  }

  /** One that is new, or has changed. */
  one(person: Person, contact: Contact): Promise<void> {
    person.contacts.set(contact.id, contact)
    return this.#change(person.user, async list => {
      const is = await this.#take(person, list.get(contact.id), contact)
      return new Map(list).set(contact.id, is)
    })
  }

  /** What somebody is called, where the list has no name (and an address is no name). */
  async named(person: Person, id: string, name: string | undefined): Promise<void> {
    const contact = person.contacts.get(id)
    if (contact && !contact.name && name !== undefined && name !== '') await this.one(person, { ...contact, name })
  }

  /** One that the network has no longer. */
  lost(person: Person, id: string): Promise<void> {
    person.contacts.delete(id)
    person.presences.delete(id)
    return this.#change(person.user, async list => {
      const was = list.get(id)
      if (was && !was.removed) await this.#drop(person.user, id)
      return new Map([...list].filter(([other]) => other !== id))
    })
  }

  /** The user has removed a contact: that alone takes it out of the list there, now or when the network can be reached. */
  async removed(user: Jid, id: string): Promise<void> {
    const { people } = this.#net
    people.find(user)?.contacts.delete(id)
    await this.#change(user, async list => {
      const was: KnownContact = list.get(id) ?? { groups: [], subscription: 'none' }
      return new Map(list).set(id, { ...was, removed: true })
    })
    await this.#remove(user, id)
  }

  /** Whom the user has removed and asks for again is wanted: what the network says of them is news. */
  async wanted(user: Jid, id: string): Promise<void> {
    await this.#change(user, async list =>
      list.get(id)?.removed ? new Map([...list].filter(([other]) => other !== id)) : list,
    )
  }

  /** The user does not see somebody any more: that they let it again is news then. */
  async left(user: Jid, id: string): Promise<void> {
    await this.#change(user, async list => {
      const was = list.get(id)
      if (was?.subscription !== 'to' && was?.subscription !== 'both') return list
      return new Map(list).set(id, { ...was, subscription: was.subscription === 'both' ? 'from' : 'none' })
    })
  }

  /** The user has given a contact another name, or has put it into other groups. */
  async edited(user: Jid, id: string, before: RosterItem, after: RosterItem): Promise<void> {
    if (!before.listed) return
    if (before.name !== after.name && after.name !== undefined) await this.#rename(user, id, after.name)
    if (this.#net.can('groups', 'out') && before.groups.join('\n') !== after.groups.join('\n'))
      await this.#try(user, () =>
        this.#net.house.engine.run(
          this.#net.keyOf(user),
          'regroupContact',
          id,
          after.groups.map(cleanLine),
          this.#net.by(user),
        ),
      )
  }

  /** The user does not want to hear from somebody, or wants again: here that holds already. */
  async blocked(user: Jid, id: string, isOn: boolean): Promise<void> {
    const { house } = this.#net
    if (!this.#net.can('block', 'out')) return
    await this.#try(user, () => house.engine.run(this.#net.keyOf(user), 'block', id, isOn, this.#net.by(user)))
  }

  /** Nothing of the network stays in the user's roster; the list there is not touched. */
  forget(user: Jid): Promise<void> {
    return clearRoster(this.#net.house, this.#net.id, user)
  }

  /** The session is online: what could not be done before is done. */
  async begun(person: Person): Promise<void> {
    for (const task of person.pending.splice(0)) await this.#try(person.user, task)
  }

  /** Gives what is known of the contact from now on. */
  async #take(person: Person, was: KnownContact | undefined, contact: Contact): Promise<KnownContact> {
    // A name that is known from somewhere else stays, where the list has none.
    const is = knownOf(contact.name === undefined && was?.name !== undefined ? { ...contact, name: was.name } : contact)
    const { user } = person
    const jid = this.#net.addresses.of(contact.id)
    if (!jid) return is
    if (was?.removed) {
      this.#later(person, () => this.#remove(user, contact.id))
      return was
    }
    const { roster } = this.#net.house.uses
    if (isSame(was, is)) {
      const { name, listed } = (await roster.view(user)).own(jid)
      // Named here while the network could not be told.
      if (listed && name !== undefined && name !== is.name)
        this.#later(person, () => this.#rename(user, contact.id, name))
      return is
    }
    let saw = false
    const after = await roster.change(user, jid, item => {
      saw = sees(item)
      const after = merged(item, was, is, contact.asked ?? false)
      return looksSame(item, after) ? undefined : after
    })
    if (sees(after) && !saw) await this.#seeing.begins(user, contact.id)
    return is
  }

  async #drop(user: Jid, id: string): Promise<void> {
    const jid = this.#net.addresses.of(id)
    if (jid) await this.#net.house.uses.roster.change(user, jid, item => (item.listed ? gone(item) : undefined))
  }

  #remove(user: Jid, id: string): Promise<void> {
    const { house } = this.#net
    return this.#try(user, () => house.engine.run(this.#net.keyOf(user), 'removeContact', id, this.#net.by(user)))
  }

  #rename(user: Jid, id: string, name: string): Promise<void> {
    const { house } = this.#net
    return this.#try(user, () =>
      house.engine.run(this.#net.keyOf(user), 'renameContact', id, cleanLine(name), this.#net.by(user)),
    )
  }

  /** A list comes before the session is online, and whoever brings it waits for what is done with it. */
  #later(person: Person, task: () => Promise<unknown>): void {
    if (this.#net.federated || person.told?.state === 'online') void this.#try(person.user, task)
    else person.pending.push(task)
  }

  /** What does not come about now is tried again behind the next login. */
  async #try(user: Jid, task: () => Promise<unknown>): Promise<void> {
    if (!this.#net.can('roster', 'out')) return
    const { house } = this.#net
    try {
      if (await house.access.judge(this.#net.provider, user)) return
      await task()
    } catch (error) {
      house.log.debug('a list of contacts was not changed there', { provider: this.#net.id, account: user.text, error })
    }
  }

  /** One change of a user's list after another. */
  #change(user: Jid, change: (list: List) => Promise<List>): Promise<void> {
    const { stores, log } = this.#net.house
    return this.#turns.take(user.text, async () => {
      const before = (await stores.known.get(user.text, this.#net.id)) ?? {}
      try {
        const after = Object.fromEntries(await change(new Map(Object.entries(before))))
        if (JSON.stringify(after) !== JSON.stringify(before)) await stores.known.set(user.text, this.#net.id, after)
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
        log.warn('contacts of a network do not fit into a roster', {
          provider: this.#net.id,
          account: user.text,
          reason: error.text,
        })
      }
    })
  }
}
