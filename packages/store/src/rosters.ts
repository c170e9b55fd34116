import type { Owner } from './owner.ts'

export type Subscription = 'none' | 'to' | 'from' | 'both'

/** One contact (RFC 6121 §2.1.2 and appendix A). */
export interface RosterItem {
  /** Bare JID text of the contact. */
  readonly contact: string
  /** False for a row that only remembers a pending request: clients must not see it (RFC 6121 §3.1.3). */
  readonly listed: boolean
  readonly name?: string
  readonly groups: readonly string[]
  readonly subscription: Subscription
  /** Our request waits for the contact's answer. */
  readonly ask: boolean
  /** The contact's request, as XML to be delivered again at each login until it is answered (RFC 6121 §3.1.3). */
  readonly pendingIn?: string
  /** The contact is approved before asking (RFC 6121 §3.4). */
  readonly approved: boolean
}

export interface Roster {
  /** Opaque text for `ver`; never empty. */
  readonly version: string
  readonly items: readonly RosterItem[]
}

export interface RosterChanges extends Roster {
  /** Contacts removed since then. */
  readonly removed: readonly string[]
}

/** One row per contact and a version per account (RFC 6121 §2.6). */
export interface RosterStore {
  /** All rows, those that are not `listed` included. */
  load(owner: Owner): Promise<Roster>
  get(owner: Owner, contact: string): Promise<RosterItem | undefined>
  /** What changed after `version`, oldest change first; undefined where that is unknown or too long ago: send the whole roster. */
  since(owner: Owner, version: string): Promise<RosterChanges | undefined>
  /** Adds or replaces a row; gives the new version. Rejects with `full` where a new row would exceed `max` rows. */
  put(owner: Owner, item: RosterItem, max?: number): Promise<string>
  /** Gives the new version; undefined where there was no such row. */
  remove(owner: Owner, contact: string): Promise<string | undefined>
}
