import type { Presence, Show } from '@parley/adapter'

const CUSTOM = 99
const IDLE = 999

/** What each status of Yahoo! means, and what it is called. */
const IN: Readonly<Record<number, { readonly show: Show; readonly text?: string }>> = {
  0: { show: 'available' },
  1: { show: 'away', text: 'Be right back' },
  2: { show: 'dnd' },
  3: { show: 'xa', text: 'Not at home' },
  4: { show: 'away', text: 'Not at my desk' },
  5: { show: 'xa', text: 'Not in the office' },
  6: { show: 'dnd', text: 'On the phone' },
  7: { show: 'xa', text: 'On vacation' },
  8: { show: 'xa', text: 'Out to lunch' },
  9: { show: 'away', text: 'Stepped out' },
  12: { show: 'unavailable' },
  [IDLE]: { show: 'away' },
}

const OUT: Readonly<Record<Exclude<Show, 'unavailable'>, number>> = {
  available: 0,
  chat: 0,
  away: 1,
  xa: 3,
  dnd: 2,
  invisible: 12,
}

/** Bytes of a text of one's own. */
export const TEXT_MOST = 255

export interface Said {
  /** Key 10. */
  readonly code: number
  /** Key 19: only with 99. */
  readonly text?: string | undefined
  /** Key 47: 0 is here, anything else is not. Only with 99. */
  readonly away?: number | undefined
  /** Key 137: seconds. */
  readonly idle?: number | undefined
}

export function presenceOf(said: Said, now: number): Presence {
  const idle = said.idle !== undefined && said.idle > 0 ? { idleSince: now - said.idle * 1000 } : {}
  if (said.code === CUSTOM) {
    const text = said.text ? { text: said.text } : {}
    return { show: said.away ? 'away' : 'available', native: String(CUSTOM), ...text, ...idle }
  }
  // Codes that nobody knows are of somebody who is there.
  return { ...(IN[said.code] ?? { show: 'available' }), native: String(said.code), ...idle }
}

/** Not for `unavailable`: who is that logs off. A text of one's own takes the place of the status. */
export function statusOf(presence: Presence): Said {
  const show = presence.show === 'unavailable' ? 'invisible' : presence.show
  const native = Number(presence.native)
  if (presence.text && show !== 'invisible') {
    const meant = IN[native]
    if (meant?.show === show && meant.text === presence.text) return { code: native }
    return { code: CUSTOM, text: presence.text, away: OUT[show] === 0 ? 0 : 1 }
  }
  return { code: IN[native]?.show === show && native !== IDLE ? native : OUT[show] }
}
