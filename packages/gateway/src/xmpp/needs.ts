import type { Carbons, Roster, SentElsewhere } from '@parley/modules'
import { type Context, map } from '@xmpp/server-core'
import type { KnownContact } from './known.ts'
import type { Seat } from './seats.ts'

export const stores = {
  seats: map<Seat>(),
  /** What a network said last of a user's contacts; by provider. */
  known: map<Readonly<Record<string, KnownContact>>>(),
  /** Why a user was asked to do something, until that is done; by provider. */
  said: map<string>(),
  /** Of how many days before the end of a network a user was told; by provider and day of the end. */
  warned: map<number>(),
}
export type Stores = Context<Readonly<Record<never, never>>, typeof stores>['stores']

/** Modules that a network works with. */
export interface Using {
  readonly roster: Roster
  readonly messageLog: SentElsewhere
  readonly carbons: Carbons
}
