import { createHash } from 'node:crypto'
import { Jid } from '@parley/jid'
import type { Roster, RosterItem } from '@parley/store'
import { mapped } from './slices.ts'

/** Rows whose addresses are read together when they are needed. */
const LARGE = 250

/**
 * A roster as the server works with it: by contact, with the two lists that presence needs. Rows of the account's own and
 * shared ones are kept apart, since only the own ones are ever stored. Never changed in place.
 */
export class RosterView {
  /** What clients hear as `ver`; with shared contacts in it, one that the store does not know (RFC 6121 §2.6). */
  readonly version: string
  /** The version of the account's own rows, as the store knows it. */
  readonly stored: string
  /** What clients see, and rows that only remember a request. */
  readonly items: ReadonlyMap<string, RosterItem>
  readonly #own: ReadonlyMap<string, RosterItem>
  readonly #shared: Shared
  #watchers: readonly Jid[] | undefined
  #watched: readonly Jid[] | undefined
  #requests: readonly RosterItem[] | undefined

  private constructor(
    version: string,
    own: ReadonlyMap<string, RosterItem>,
    shared: Shared,
    items: ReadonlyMap<string, RosterItem>,
  ) {
    this.stored = version
    this.version = shared.mark === '' ? version : `${version}-${shared.mark}`
    this.#own = own
    this.#shared = shared
    this.items = items
  }

  static of({ version, items }: Roster, shared: readonly RosterItem[]): RosterView {
    const own = new Map(items.map(item => [item.contact, item]))
    const rows = new Map(shared.map(item => [item.contact, item]))
    const all = new Map(own)
    for (const item of shared) all.set(item.contact, merged(own.get(item.contact), item)!)
    return new RosterView(version, own, { rows, mark: markOf(shared) }, all)
  }

  get(contact: Jid): RosterItem {
    return this.items.get(contact.text) ?? noItem(contact.text)
  }

  /** The row as it is stored, without what groups make of it. */
  own(contact: Jid): RosterItem {
    return this.#own.get(contact.text) ?? noItem(contact.text)
  }

  /** Whether the contact is there because somebody else says so (a group), whatever the account does. */
  isShared(contact: Jid): boolean {
    return this.#shared.rows.has(contact.text)
  }

  get hasShared(): boolean {
    return this.#shared.rows.size > 0
  }

  with(version: string, item: RosterItem): RosterView {
    return this.#changed(version, item.contact, item)
  }

  without(version: string, contact: string): RosterView {
    return this.#changed(version, contact, undefined)
  }

  /** Contacts who see the account's presence (subscription from or both). */
  get watchers(): readonly Jid[] {
    this.#watchers ??= this.#rows('from').map(contactOf)
    return this.#watchers
  }

  /** Contacts whose presence the account sees (subscription to or both). */
  get watched(): readonly Jid[] {
    this.#watched ??= this.#rows('to').map(contactOf)
    return this.#watched
  }

  /** Rows with a request that waits for an answer of the account. */
  get requests(): readonly RosterItem[] {
    this.#requests ??= [...this.items.values()].filter(({ pendingIn }) => pendingIn !== undefined)
    return this.#requests
  }

  /** Makes the lists of a large roster ready, with turns for others in between; before anybody asks for them. */
  async prepare(): Promise<this> {
    if (this.items.size <= LARGE) return this
    this.#watchers = await mapped(this.#rows('from'), contactOf)
    this.#watched = await mapped(this.#rows('to'), contactOf)
    return this
  }

  #changed(version: string, contact: string, item: RosterItem | undefined): RosterView {
    const own = edited(this.#own, contact, item)
    const shown = merged(item, this.#shared.rows.get(contact))
    const view = new RosterView(version, own, this.#shared, edited(this.items, contact, shown))
    // Addresses are not read again for one of many.
    view.#watchers = this.#watchers && listed(this.#watchers, contact, allows(shown, 'from'))
    view.#watched = this.#watched && listed(this.#watched, contact, allows(shown, 'to'))
    return view
  }

  #rows(direction: 'from' | 'to'): RosterItem[] {
    return [...this.items.values()].filter(item => allows(item, direction))
  }
}

interface Shared {
  readonly rows: ReadonlyMap<string, RosterItem>
  /** Names this set of shared rows; '' where there are none. */
  readonly mark: string
}

/** A contact that is shared keeps the name and groups that the account gave it. */
function merged(own: RosterItem | undefined, shared: RosterItem | undefined): RosterItem | undefined {
  if (!shared) return own
  if (!own?.listed) return shared
  const { pendingIn: _answered, ...rest } = own
  return { ...rest, subscription: shared.subscription, ask: false }
}

function allows(item: RosterItem | undefined, direction: 'from' | 'to'): boolean {
  return item?.subscription === direction || item?.subscription === 'both'
}

function contactOf({ contact }: RosterItem): Jid {
  return Jid.parse(contact)
}

function listed(jids: readonly Jid[], contact: string, is: boolean): readonly Jid[] {
  const at = jids.findIndex(({ text }) => text === contact)
  if (is === at >= 0) return jids
  return is ? [...jids, Jid.parse(contact)] : jids.filter((_, index) => index !== at)
}

function edited<T>(map: ReadonlyMap<string, T>, key: string, value: T | undefined): Map<string, T> {
  const copy = new Map(map)
  if (value === undefined) copy.delete(key)
  else copy.set(key, value)
  return copy
}

function markOf(shared: readonly RosterItem[]): string {
  if (shared.length === 0) return ''
  const rows = shared.map(({ contact, groups }) => JSON.stringify([contact, groups])).sort()
  return createHash('sha256').update(rows.join('\n')).digest('base64url').slice(0, 16)
}

export function noItem(contact: string): RosterItem {
  return { contact, listed: false, groups: [], subscription: 'none', ask: false, approved: false }
}

/** Whether nothing in the row is worth a row. */
export function isEmpty(item: RosterItem): boolean {
  return !item.listed && item.subscription === 'none' && !item.ask && item.pendingIn === undefined && !item.approved
}
