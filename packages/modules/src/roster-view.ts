import { Jid } from '@parley/jid'
import type { RosterItem } from '@parley/store'

/** A roster as the server works with it: by contact, with the two lists that presence needs. Never changed in place. */
export class RosterView {
  readonly version: string
  readonly items: ReadonlyMap<string, RosterItem>
  #watchers: readonly Jid[] | undefined
  #watched: readonly Jid[] | undefined

  constructor(version: string, items: ReadonlyMap<string, RosterItem>) {
    this.version = version
    this.items = items
  }

  get(contact: Jid): RosterItem {
    return this.items.get(contact.text) ?? noItem(contact.text)
  }

  with(version: string, item: RosterItem): RosterView {
    return new RosterView(version, new Map(this.items).set(item.contact, item))
  }

  without(version: string, contact: string): RosterView {
    const items = new Map(this.items)
    items.delete(contact)
    return new RosterView(version, items)
  }

  /** Contacts who see the account's presence (subscription from or both). */
  get watchers(): readonly Jid[] {
    this.#watchers ??= this.#contacts('from')
    return this.#watchers
  }

  /** Contacts whose presence the account sees (subscription to or both). */
  get watched(): readonly Jid[] {
    this.#watched ??= this.#contacts('to')
    return this.#watched
  }

  #contacts(direction: 'from' | 'to'): Jid[] {
    const items = [...this.items.values()]
    return items
      .filter(({ subscription }) => subscription === direction || subscription === 'both')
      .map(({ contact }) => Jid.parse(contact))
  }
}

export function noItem(contact: string): RosterItem {
  return { contact, listed: false, groups: [], subscription: 'none', ask: false, approved: false }
}

/** Whether nothing in the row is worth a row. */
export function isEmpty(item: RosterItem): boolean {
  return !item.listed && item.subscription === 'none' && !item.ask && item.pendingIn === undefined && !item.approved
}
