import type { Presence, Show } from '@parley/adapter'

const IN: Readonly<Record<string, Show>> = {
  NLN: 'available',
  BSY: 'dnd',
  PHN: 'dnd',
  IDL: 'away',
  BRB: 'away',
  AWY: 'away',
  LUN: 'xa',
  HDN: 'unavailable',
  FLN: 'unavailable',
}
const OUT: Readonly<Record<Show, string>> = {
  available: 'NLN',
  chat: 'NLN',
  away: 'AWY',
  xa: 'AWY',
  dnd: 'BSY',
  invisible: 'HDN',
  unavailable: 'HDN',
}
/** Statuses that a program has of itself, not its user. */
const NOT_OURS = new Set(['IDL', 'FLN'])

/** Bytes of a personal message. */
export const TEXT_MOST = 129

export function presenceOf(code: string, text: string): Presence {
  // Codes that nobody knows are of somebody who is there.
  const show = IN[code] ?? 'available'
  return { show, ...(show === 'unavailable' ? {} : { native: code, ...(text ? { text } : {}) }) }
}

export function statusOf({ show, native }: Presence): string {
  return native !== undefined && IN[native] === show && !NOT_OURS.has(native) ? native : OUT[show]
}

const NAMES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** The personal message within the payload of a UBX. */
export function personalMessage(payload: Buffer): string {
  const inner = /<PSM>([^<]*)<\/PSM>/.exec(payload.toString('utf8'))?.[1] ?? ''
  return inner.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return NAMES[name.toLowerCase()] ?? all
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code >= 0x20 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
  })
}

/** The payload of a UUX. */
export function personalData(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<Data><PSM>${escaped}</PSM><CurrentMedia></CurrentMedia></Data>`
}
