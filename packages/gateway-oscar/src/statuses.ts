import type { Presence, Show } from '@parley/adapter'
import { long, type Reader, type Tlvs, word } from './bytes.ts'
import { canonical, isIcq } from './id.ts'

const AWAY_CLASS = 0x20
export const INVISIBLE = 0x100
/** Bits of a status of ICQ, the strongest first: programs set several (0x13 is "do not disturb, occupied, away"). */
const BITS: readonly (readonly [bit: number, show: Show])[] = [
  [0x02, 'dnd'],
  [0x10, 'dnd'],
  [0x04, 'xa'],
  [0x01, 'away'],
  [0x20, 'chat'],
]
const OUT: Readonly<Record<Show, number>> = {
  available: 0,
  chat: 0x20,
  away: 0x01,
  xa: 0x04,
  dnd: 0x02,
  invisible: INVISIBLE,
  unavailable: INVISIBLE,
}

/** Bytes of an away text. */
export const TEXT_MOST = 1024

/** Somebody who is there, as in SNAC(03,0B) and in front of messages. */
export interface UserInfo {
  readonly id: string | undefined
  readonly tlvs: Tlvs
}

/** @throws AdapterError where it is none */
export function readUser(reader: Reader): UserInfo {
  const id = canonical(reader.short())
  reader.word()
  return { id, tlvs: reader.tlvs(reader.word()) }
}

/** Idle time is in minutes. */
export function presenceOf({ id, tlvs }: UserInfo, now: number): Presence {
  const minutes = word(tlvs, 0x04) ?? 0
  const idle = minutes > 0 ? { idleSince: now - minutes * 60_000 } : {}
  if (id !== undefined && isIcq(id)) {
    const status = (long(tlvs, 0x06) ?? 0) & 0xffff
    return { show: showOf(status), native: `0x${status.toString(16)}`, ...idle }
  }
  const away = ((long(tlvs, 0x01) ?? 0) & AWAY_CLASS) !== 0
  return { show: away ? 'away' : 'available', ...idle }
}

export function showOf(status: number): Show {
  return BITS.find(([bit]) => status & bit)?.[1] ?? 'available'
}

/** The status of ICQ; AIM knows invisible of it. */
export function statusOf({ show, native }: Presence): number {
  const code = native !== undefined && /^0x[0-9a-f]{1,4}$/.test(native) ? Number(native) : undefined
  return code !== undefined && (code & INVISIBLE) === 0 && showOf(code) === show ? code : OUT[show]
}

/** What AIM shows of who is away; undefined: who is there. */
export function awayText({ show, text }: Presence): string | undefined {
  if (show === 'away' || show === 'xa' || show === 'dnd') return text || AWAY[show]
  return undefined
}

const AWAY = { away: 'I am away', xa: 'I am away for a while', dnd: 'Please do not disturb me' } as const
