import type { Jid } from '@parley/jid'
import { type Message, parseStanza } from '@parley/stanza'
import { idTime } from '@parley/store'
import type { Clock } from '@xmpp/server-core'
import { identified } from '../message-log.ts'
import type { Earlier, WantedHistory } from './history.ts'
import type { Open } from './keeper.ts'
import type { Parts } from './parts.ts'
import { isAtLeast } from './roles.ts'
import { isSubject } from './speaking.ts'

/**
 * What an account that comes back is sent a minute, in all its rooms: behind that its clients page the archive. A client has
 * to take all of it, with who is in those rooms, before its session is given up (`LIVE_LIMITS`: 2,000 packets, 8 MiB).
 */
const LINES = 1000
const CHARS = 1_048_576
const MINUTE = 60_000

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
  const page = { afterId: seen, beforeId: upTo + 1n, limit: LINES, backwards: true }
  const rows = await store.messages.page(room.jid.text, page)
  return { older: rows.flatMap(({ id, stanza }) => earlierOf(room.jid, id, stanza)), upTo }
}

/** How much accounts have been sent that came back. */
export class Allowance {
  readonly #clock: Pick<Clock, 'monotonic'>
  #since = 0
  readonly #spent = new Map<string, { lines: number; chars: number }>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** What an account has missed, oldest first: the newest that it may be sent, and no less than a room shows to everybody. */
  linesOf({ older, upTo }: Missed, { room, earlier }: Open, account: Jid): readonly Earlier[] {
    const all = [...older, ...earlier.filter(({ row }) => row > upTo)]
    const spent = this.#of(account)
    let first = all.length
    while (first > 0) {
      const size = all[first - 1]!.body.xml.length
      const isDue = all.length - first < room.config.history
      if (!isDue && (spent.lines >= LINES || spent.chars + size > CHARS)) break
      spent.lines++
      spent.chars += size
      first--
    }
    return all.slice(first)
  }

  #of({ text }: Jid): { lines: number; chars: number } {
    const now = this.#clock.monotonic()
    if (now - this.#since >= MINUTE) {
      this.#since = now
      this.#spent.clear()
    }
    const spent = this.#spent.get(text) ?? { lines: 0, chars: 0 }
    this.#spent.set(text, spent)
    return spent
  }
}

/** A row of the log as a line that was said; none for a change of the subject, which is no part of the history (§7.2.13). */
export function earlierOf(room: Jid, row: bigint, stanza: string): Earlier[] {
  const message = parseStanza(stanza) as Message
  if (isSubject(message)) return []
  const { from, id, body } = identified(message, room, row)
  return [{ row, from: from ?? room, id, body, at: idTime(row) }]
}
