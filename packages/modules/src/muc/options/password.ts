import { createHash, timingSafeEqual } from 'node:crypto'
import type { RoomOption } from './option.ts'
import { line } from './option.ts'

/** Empty: the room has none. */
export const password: RoomOption<string> = {
  ...line('muc#roomconfig_roomsecret', 'Password (empty: none)', { type: 'text-private', longest: 256 }),
  feature: value => (value === '' ? 'muc_unsecured' : 'muc_passwordprotected'),
}

/** Compares without telling by time how much of it was right. */
export function isPassword(given: string, wanted: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(wanted))
}
