import type { Show } from '@parley/adapter'

/** What a presence is called in PIDF (RFC 3863), in its `show` extension (RFC 8048 §6.2) and in RPID (RFC 4480 §3.2). */
export interface Row {
  readonly show: Show
  readonly basic: 'open' | 'closed'
  /** Absent: available, which XMPP has no word for. */
  readonly extension?: 'chat' | 'away' | 'xa' | 'dnd'
  readonly activity?: string
}

/** Who is invisible publishes as little as who is not there. */
export const ROWS: readonly Row[] = [
  { show: 'available', basic: 'open' },
  { show: 'chat', basic: 'open', extension: 'chat' },
  { show: 'away', basic: 'open', extension: 'away', activity: 'away' },
  { show: 'xa', basic: 'open', extension: 'xa', activity: 'away' },
  { show: 'dnd', basic: 'open', extension: 'dnd', activity: 'busy' },
  { show: 'invisible', basic: 'closed' },
  { show: 'unavailable', basic: 'closed' },
]

/** Activities of others who say nothing of `show`. What is not here says nothing of whether one may be spoken to. */
export const ACTIVITIES: ReadonlyMap<string, Show> = new Map<string, Show>([
  ['away', 'away'],
  ['appointment', 'away'],
  ['breakfast', 'away'],
  ['dinner', 'away'],
  ['in-transit', 'away'],
  ['lunch', 'away'],
  ['meal', 'away'],
  ['shopping', 'away'],
  ['steering', 'away'],
  ['travel', 'away'],
  ['holiday', 'xa'],
  ['permanent-absence', 'xa'],
  ['sleeping', 'xa'],
  ['vacation', 'xa'],
  ['busy', 'dnd'],
  ['meeting', 'dnd'],
  ['on-the-phone', 'dnd'],
  ['performance', 'dnd'],
  ['presentation', 'dnd'],
])

/** Classes of availability of Lync: the first number of each, and what it is called here. */
export const AVAILABILITY: readonly (readonly [from: number, show: Show, name: string])[] = [
  [18_000, 'unavailable', 'offline'],
  [15_000, 'away', 'away'],
  [12_000, 'away', 'be-right-back'],
  [9000, 'dnd', 'do-not-disturb'],
  [7500, 'dnd', 'busy-idle'],
  [6000, 'dnd', 'busy'],
  [4500, 'away', 'idle'],
  [0, 'available', 'available'],
]

/** The number that we say. */
export const AVAILABILITY_OF: Readonly<Record<Show, number>> = {
  available: 3500,
  chat: 3500,
  away: 15_500,
  xa: 15_500,
  dnd: 6500,
  invisible: 18_500,
  unavailable: 18_500,
}

export const rowOf = (show: Show): Row => ROWS.find(row => row.show === show)!
