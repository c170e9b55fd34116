import type { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import type { Element } from '@parley/xml'
import { type Awaitable, type Context, chain, type Request, type Throttle } from '@xmpp/server-core'
import type { ArchiveRetention } from '../archive-retention.ts'
import type { ArchiveSearch } from '../archive-search.ts'
import type { Turns } from '../turns.ts'
import type { Absent } from './absent.ts'
import type { StoredRequest } from './approving.ts'
import type { Cards } from './avatar.ts'
import type { Tombstones } from './destroyed.ts'
import type { HatStores } from './hats.ts'
import type { Keeper, Open } from './keeper.ts'
import type { LastSeen } from './last-seen.ts'
import type { Outlet } from './outlet.ts'
import type { Owned } from './owned.ts'
import type { Places } from './places.ts'
import type { OccupantIds } from './speakers.ts'
import type { Tokens } from './tokens.ts'

/** What everything that rooms do is made of. */
export interface Parts extends Pick<Context, 'server' | 'store' | 'live' | 'clock' | 'host'> {
  readonly keeper: Keeper
  readonly places: Places
  readonly outlet: Outlet
  readonly search: ArchiveSearch
  readonly retention: ArchiveRetention
  readonly absent: Absent
  readonly ids: OccupantIds
  readonly cards: Cards
  readonly tokens: Tokens
  readonly tombstones: Tombstones
  readonly hats: HatStores
  readonly lastSeen: LastSeen
  readonly owned: Owned
  /** Changes of one room that wait for the store come one after another. */
  readonly turns: Turns
  /** XEP-0421 id of an account in a room. */
  idOf(room: Jid, account: Jid): string
  mayCreate(from: Jid): boolean
  /** Registrations that wait for an admin, by room and account. */
  readonly requests: OwnedMap<StoredRequest>
  /** Rooms that one account makes, wrong passwords that it tries, and registrations, a minute. */
  readonly made: Throttle
  readonly guessed: Throttle
  readonly registered: Throttle
}

/** @throws StanzaError `item-not-found` where there is no such room, `gone` where there is none any more */
export function opened(parts: Parts, to: Jid, from: Jid): Awaitable<Open> {
  return chain(parts.keeper.find(to.bare), open => {
    if (open) return open
    vacate(parts, to.bare)
    return parts.tombstones.check(to.bare, from).then(() => {
      throw new StanzaError('item-not-found', 'There is no such room')
    })
  })
}

/** An answer that changes a room, with nothing else about that room under way. */
export function inTurn(
  parts: Parts,
  answer: (open: Open, request: Request) => Awaitable<Element | undefined>,
): (request: Request) => Promise<Element | undefined> {
  return request =>
    parts.turns.take(request.to.text, async () => answer(await opened(parts, request.to, request.from), request))
}

/** Where there is no room, and nobody is about to make it, it has no place either. */
export function vacate({ keeper, places }: Pick<Parts, 'keeper' | 'places'>, room: Jid): void {
  if (!keeper.has(room)) places.leave(room)
}
