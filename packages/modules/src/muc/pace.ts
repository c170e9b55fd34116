import type { Jid } from '@parley/jid'
import { type Message, StanzaError } from '@parley/stanza'
import { type Clock, midOf, type Transit } from '@xmpp/server-core'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

/** When an account was heard last, and by which stanza of which session. */
interface Heard {
  readonly at: number
  readonly mid: string | undefined
}

/** Slow mode (XEP-0500): how often an account is heard in a room, whatever clients and nicks it has. */
export class Pace {
  readonly #clock: Clock
  readonly #heard = new WeakMap<Room, Map<string, Heard>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a line. @throws StanzaError `policy-violation` where it comes too early (§6) */
  keep(room: Room, from: Jid, said: Message, transit: Transit): void {
    const seconds = room.config.slowMode
    if (seconds === 0 || isAtLeast(room.affiliationOf(from.bare), 'admin') || !said.child('body')) return
    const heard = this.#heard.get(room) ?? new Map<string, Heard>()
    this.#heard.set(room, heard)
    const at = this.#clock.monotonic()
    const account = from.bare.text
    const last = heard.get(account)
    const mid = midOf(transit)
    // What a client sends again after a resumption has been counted.
    const isAgain = mid !== undefined && last?.mid === mid
    if (last && !isAgain && at - last.at < seconds * 1000) {
      throw new StanzaError('policy-violation', `Slow mode: wait ${seconds} seconds between messages`, { type: 'wait' })
    }
    forget(heard, at - seconds * 1000)
    heard.delete(account)
    heard.set(account, { at, mid })
  }
}

/** Drops those who may speak again; the first of the map were heard first. */
function forget(heard: Map<string, Heard>, before: number): void {
  for (const [account, { at }] of heard) {
    if (at > before) break
    heard.delete(account)
  }
}
