import type { Jid } from '@parley/jid'
import { type Message, parseStanza } from '@parley/stanza'
import { idTime } from '@parley/store'
import { identified } from '../message-log.ts'
import type { Earlier, WantedHistory } from './history.ts'
import type { Open } from './keeper.ts'
import type { Parts } from './parts.ts'
import { isAtLeast } from './roles.ts'
import { isSubject } from './speaking.ts'

/** Lines that somebody who comes back is sent at most: behind them her client pages the archive. */
export const MOST_MISSED = 1000

/** What was said while a member was away. */
export interface Missed {
  /** Lines that are only in the archive. */
  readonly older: readonly Earlier[]
  /** Later ones are remembered. */
  readonly upTo: bigint
}

/**
 * What a member has missed who comes in and has no other client here: everything behind the last line that any of her clients
 * was sent. Undefined: the room shows what it shows to everybody. So it does to whoever says how much (XEP-0045 §7.2.14), and where the
 * owners want no history to be shown.
 */
export async function missedBy(
  { lastSeen, store }: Pick<Parts, 'lastSeen' | 'store'>,
  open: Open,
  from: Jid,
  wanted: WantedHistory,
): Promise<Missed | undefined> {
  const { room, earlier } = open
  const account = from.bare
  if (Object.keys(wanted).length > 0 || room.config.history === 0) return undefined
  if (!isAtLeast(room.affiliationOf(account), 'member') || room.ofAccount(account).length > 0) return undefined
  const seen = await lastSeen.find(room.jid, account)
  if (seen === undefined) return undefined
  const [first] = earlier
  if (first && first.row <= seen) return { older: [], upTo: seen }
  // What is being said at the moment is heard like everything that is said from now on.
  const upTo = first ? first.row - 1n : open.newest
  const page = { afterId: seen, beforeId: upTo + 1n, limit: MOST_MISSED, backwards: true }
  const rows = await store.messages.page(room.jid.text, page)
  return { older: rows.flatMap(({ id, stanza }) => earlierOf(room.jid, id, stanza)), upTo }
}

/** All of it, oldest first, as far as it is sent. */
export function linesOf({ older, upTo }: Missed, { earlier }: Open): readonly Earlier[] {
  return [...older, ...earlier.filter(({ row }) => row > upTo)].slice(-MOST_MISSED)
}

/** A row of the log as a line that was said; none for a change of the subject, which is no part of the history (§7.2.13). */
export function earlierOf(room: Jid, row: bigint, stanza: string): Earlier[] {
  const message = parseStanza(stanza) as Message
  if (isSubject(message)) return []
  const { from, id, body } = identified(message, room, row)
  return [{ row, from: from ?? room, id, body, at: idTime(row) }]
}
