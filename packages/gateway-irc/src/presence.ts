import type { Presence, Show } from '@parley/adapter'

/** What AWAY says for each show; undefined: here. Nobody is invisible on IRC, and who is unavailable has no session. */
const AWAY: Readonly<Record<Show, string | undefined>> = {
  available: undefined,
  chat: undefined,
  away: 'away',
  xa: 'away',
  dnd: 'busy',
  invisible: 'away',
  unavailable: 'away',
}

/** The text of AWAY; undefined: none, the user is here. */
export function awayText({ show, text }: Presence): string | undefined {
  const word = AWAY[show]
  return word === undefined ? undefined : text?.replace(/[\x00-\x1f\x7f]+/g, ' ').trim() || word
}

/** @param away undefined: here; empty: away, and nobody knows why */
export function presenceOf(away: string | undefined): Presence {
  if (away === undefined) return { show: 'available', native: 'here' }
  if (away.toLowerCase() === 'busy') return { show: 'dnd', native: 'away' }
  return { show: 'away', ...(away && away !== 'away' ? { text: away } : {}), native: 'away' }
}

export const GONE: Presence = { show: 'unavailable' }
