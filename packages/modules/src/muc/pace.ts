import type { Jid } from '@parley/jid'
import { type Message, NS, parseStanza, StanzaError } from '@parley/stanza'
import { idTime, type LogRow, type MessageLog } from '@parley/store'
import { type Clock, midOf, type Transit } from '@xmpp/server-core'
import type { Open } from './keeper.ts'
import type { Occupant } from './occupant.ts'
import { isAtLeast } from './roles.ts'

/** When somebody was heard last. */
interface Heard {
  readonly at: number
  /** By which stanza of which session; undefined where the archive tells it. */
  readonly mid: string | undefined
  /** The sender's id of the stanza, where the archive tells it. */
  readonly id?: string | undefined
}

/** A line of before, by the archive. */
interface Spoken {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly id: string | undefined
}

/** What was said lately, by occupant id, the oldest first. */
export type LatelySpoken = ReadonlyMap<string, Spoken>

/** Rows that are read at once, and at most: in slow mode few are younger than the pause. */
const PAGE = 500
const READ = 5000

/** The last lines of those who have to wait still, as the archive of a room has them. */
export async function latelySpoken(log: MessageLog, room: Jid, since: number): Promise<LatelySpoken> {
  const rows: LogRow[] = []
  for (let read = PAGE; read === PAGE && rows.length < READ; ) {
    const [oldest] = rows
    const page = await log.page(room.text, {
      start: since,
      ...(oldest && { beforeId: oldest.id }),
      limit: PAGE,
      backwards: true,
    })
    rows.unshift(...page)
    read = page.length
  }
  const spoken = new Map<string, Spoken>()
  for (const { id, stanza } of rows) {
    const line = parseStanza(stanza) as Message
    const speaker = line.child('occupant-id', NS.occupantId)?.attrs['id']
    if (speaker === undefined || !line.child('body')) continue
    spoken.delete(speaker)
    spoken.set(speaker, { at: idTime(id), id: line.id })
  }
  return spoken
}

/** Slow mode (XEP-0500): how often an account is heard in a room, whatever clients and nicks it has. */
export class Pace {
  readonly #clock: Clock
  /** By occupant id, which is the account's. */
  readonly #heard = new WeakMap<Open, Map<string, Heard>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a line. @throws StanzaError `policy-violation` where it comes too early (§6) */
  keep(open: Open, { id, affiliation }: Occupant, said: Message, transit: Transit): void {
    const seconds = open.room.config.slowMode
    if (seconds === 0 || isAtLeast(affiliation, 'admin') || !said.child('body')) return
    const heard = this.#heard.get(open) ?? this.#before(open)
    this.#heard.set(open, heard)
    const at = this.#clock.monotonic()
    const last = heard.get(id)
    const mid = midOf(transit)
    if (last && !isAgain(last, mid, said) && at - last.at < seconds * 1000) {
      throw new StanzaError('policy-violation', `Slow mode: wait ${seconds} seconds between messages`, { type: 'wait' })
    }
    forget(heard, at - seconds * 1000)
    heard.delete(id)
    heard.set(id, { at, mid })
  }

  /** Nobody may speak sooner because another node had the room, or none. */
  #before({ spoken }: Open): Map<string, Heard> {
    const now = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    return new Map(
      [...spoken].map(([speaker, { at, id }]) => [
        speaker,
        { at: monotonic - Math.max(0, now - at), mid: undefined, id },
      ]),
    )
  }
}

/** What a client, or a node, sends again after a resumption or a takeover has been counted. */
function isAgain(last: Heard, mid: string | undefined, said: Message): boolean {
  if (mid === undefined) return false
  return last.mid === undefined ? last.id !== undefined && last.id === said.id : last.mid === mid
}

/** Drops those who may speak again; the first of the map were heard first. */
function forget(heard: Map<string, Heard>, before: number): void {
  for (const [account, { at }] of heard) {
    if (at > before) break
    heard.delete(account)
  }
}
