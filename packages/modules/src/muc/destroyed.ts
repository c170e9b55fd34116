import { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import type { Element } from '@parley/xml'
import type { Clock, Logger } from '@xmpp/server-core'
import { OWNER } from './namespaces.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

/** What is known of a room that its owner has destroyed (XEP-0045 §10.9). */
export type StoredTombstone = {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly owners: readonly string[]
  /** Where everybody was asked to go, and why. */
  readonly venue?: string
  readonly reason?: string
  /** Who may know of that; absent: everybody who could have come in, which outcasts could not. */
  readonly members?: readonly string[]
  readonly outcasts?: readonly string[]
}

const KEY = 'tombstone'
const HOUR = 3_600_000
/** Characters of a reason that are kept. */
const REASON = 500

export interface TombstoneParts {
  readonly stored: OwnedMap<StoredTombstone>
  /** The rooms' domain. */
  readonly domain: string
  /** How long they stand (ms); 0: there are none. */
  readonly period: number
  readonly clock: Clock
  readonly log: Logger
  isAdmin(from: Jid): boolean
}

/** Places of rooms that were to stay and were destroyed: for a time nobody but their owners makes others there. */
export class Tombstones {
  readonly #parts: TombstoneParts
  readonly stop: () => void

  constructor(parts: TombstoneParts) {
    this.#parts = parts
    const { clock, log } = parts
    this.stop = clock.every(HOUR, () => {
      this.#sweep().catch((error: unknown) => log.warn('old tombstones of rooms could not be removed', { error }))
    })
  }

  /** The room is destroyed, as its owner has asked. */
  async keep({ jid, config, affiliations }: Room, destroy: Element): Promise<void> {
    const { stored, period, clock } = this.#parts
    if (period === 0 || !config.persistent) return
    const venue = destroy.attrs['jid']
    const reason = destroy.textOf('reason', OWNER)
    const accounts = [...affiliations]
    // Nobody learns from the tombstone what the room would not have told.
    const isClosed = config.membersOnly || config.password !== ''
    const members = accounts.filter(([, { affiliation }]) => isAtLeast(affiliation, 'member'))
    const outcasts = accounts.filter(([, { affiliation }]) => affiliation === 'outcast')
    await stored.set(jid.text, KEY, {
      at: clock.now(),
      owners: accounts.filter(([, { affiliation }]) => affiliation === 'owner').map(([account]) => account),
      ...(venue !== undefined && { venue: Jid.parse(venue).bare.text }),
      ...(reason && { reason: [...reason].slice(0, REASON).join('') }),
      ...(isClosed
        ? { members: members.map(([account]) => account) }
        : { outcasts: outcasts.map(([account]) => account) }),
    })
  }

  /** @throws StanzaError `gone` where a room has been destroyed */
  async check(room: Jid, from: Jid): Promise<void> {
    const found = await this.#find(room)
    if (found) throw gone(found, from)
  }

  /** The same for somebody who makes a room: those who owned it may, and admins. */
  async checkMaker(room: Jid, from: Jid): Promise<void> {
    const found = await this.#find(room)
    if (!found || found.owners.includes(from.bare.text) || this.#parts.isAdmin(from)) return
    throw gone(found, from)
  }

  /** There is a room again. */
  async remove(room: Jid): Promise<void> {
    await this.#parts.stored.delete(room.text, KEY)
  }

  async #find(room: Jid): Promise<StoredTombstone | undefined> {
    const found = await this.#parts.stored.get(room.text, KEY)
    return found && !this.#isOver(found) ? found : undefined
  }

  #isOver({ at }: StoredTombstone): boolean {
    return at + this.#parts.period <= this.#parts.clock.now()
  }

  async #sweep(): Promise<void> {
    const { stored, domain } = this.#parts
    for (const room of await stored.owners(domain, KEY)) {
      const found = await stored.get(room, KEY)
      if (found && this.#isOver(found)) await stored.delete(room, KEY)
    }
  }
}

function gone({ venue, reason, members, outcasts = [] }: StoredTombstone, from: Jid): StanzaError {
  const isTold = members ? members.includes(from.bare.text) : !outcasts.includes(from.bare.text)
  const address = isTold && venue !== undefined ? uriOf(Jid.parse(venue)) : undefined
  const text = (isTold && reason) || 'The room has been destroyed'
  return new StanzaError('gone', text, address === undefined ? {} : { address })
}

/** RFC 5122 §2.2, with the query of XEP-0045 §15.7. */
function uriOf({ local, domain }: Jid): string {
  return local === '' ? `xmpp:${domain}` : `xmpp:${encodeURIComponent(local)}@${domain}?join`
}
