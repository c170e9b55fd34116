import type { Jid } from '@parley/jid'
import { Body, delay, forwarded, Message } from '@parley/stanza'
import { el } from '@parley/xml'
import { type Awaitable, type Context, chain, isPromise, missedInRoom, observe, Throttle } from '@xmpp/server-core'
import type { Blocking } from '../blocking.ts'
import type { NotificationSettings } from '../notification-settings.ts'
import { mayMention } from './mention-permissions.ts'
import { mentionedIn } from './mentioned.ts'
import type { Occupant } from './occupant.ts'
import { MENTIONS } from './options/forward-mentions.ts'
import type { Outlet } from './outlet.ts'
import type { Room } from './room.ts'
import type { OccupantIds } from './speakers.ts'

/** Notices that what one account says may cause a minute. */
const NOTICES = 60

export interface AbsentParts extends Pick<Context, 'server' | 'clock' | 'log'> {
  readonly outlet: Outlet
  readonly blocking: Blocking
  readonly settings: NotificationSettings
  readonly ids: Pick<OccupantIds, 'of'>
}

/** Members of a room who have no client in it. */
export class Absent {
  readonly #parts: AbsentParts
  readonly #notices: Throttle
  /** Accounts by their XEP-0421 ids, for lists of members of whom somebody has been named by one. */
  readonly #byId = new WeakMap<readonly Jid[], ReadonlyMap<string, string>>()

  constructor(parts: AbsentParts) {
    this.#parts = parts
    this.#notices = new Throttle(parts.clock, NOTICES)
  }

  /**
   * Something was said, `marked` with the id of the archive if that has it. Gives what tells those who are named, and
   * listeners of all others too; undefined where there is nobody to tell.
   */
  missing(room: Room, said: Message, marked: Message, speaker: Occupant, archiveId?: bigint): Tell | undefined {
    const counts = room.config.forwardMentions && mayMention(room, speaker)
    const mentioned = counts ? mentionedIn(room, said, id => this.#accountOf(room, id)) : undefined
    const isHeard = this.#isHeard
    if (!mentioned?.size && !isHeard) return undefined
    const here = new Set<string>()
    for (const { account } of room.occupants) here.add(account.text)
    const { members } = room.affiliations
    return () => {
      const waiting: Promise<void>[] = []
      for (const account of members) {
        const isMentioned = mentioned?.has(account.text) ?? false
        if (here.has(account.text) || !(isMentioned || isHeard)) continue
        // Nobody is waited for without need: thousands may be away.
        const done = this.#miss({ room, account, marked, speaker, archiveId, isMentioned })
        if (isPromise(done)) waiting.push(done)
      }
      if (waiting.length === 0) return
      // The line itself has been said.
      const failed = (error: unknown) =>
        this.#parts.log.error('who is away was not told', { room: room.jid.text, error })
      return Promise.all(waiting).then(() => undefined, failed)
    }
  }

  /** Whether anybody listens to what is missed. */
  get #isHeard(): boolean {
    for (const host of this.#parts.server.router.hosts.values()) {
      if (host.hooks.phase(missedInRoom, 'observe').runs.length > 0) return true
    }
    return false
  }

  #miss(missed: Missed): Awaitable<void> {
    const { room, account, marked, archiveId, isMentioned } = missed
    const { server, log } = this.#parts
    const host = server.router.hosts.get(account.domain)
    const wanted = () => (host ? this.#isWanted(missed) : Promise.resolve(isMentioned))
    const event = { account, room: room.jid, message: marked, archiveId, isMentioned, wanted }
    const heard = host && observe(host.hooks.phase(missedInRoom, 'observe'), event, log)
    return isMentioned ? chain(heard, () => this.#notify(missed, wanted)) : heard
  }

  async #notify({ room, account, marked, speaker }: Missed, wanted: () => Promise<boolean>): Promise<void> {
    if (!(await wanted()) || !this.#notices.take(speaker.account.text)) return
    await this.#parts.outlet.route(noticeOf(room, account, marked, this.#parts.clock.now()))
  }

  async #isWanted({ room, account, speaker, isMentioned }: Missed): Promise<boolean> {
    const { blocking, settings } = this.#parts
    // XEP-0492 §3: every line of a private room, mentions in a public one.
    const setting = await settings.of(account, room.jid, room.config.membersOnly ? 'always' : 'on-mention')
    if (setting === 'never' || (setting === 'on-mention' && !isMentioned)) return false
    // The room hides who speaks, but not from itself.
    return !(await blocking.isBlocked(account, speaker.jid)) && !(await blocking.isBlocked(account, speaker.account))
  }

  #accountOf(room: Room, id: string): string | undefined {
    const { ids } = this.#parts
    const { members } = room.affiliations
    const known = this.#byId.get(members) ?? new Map(members.map(({ text }) => [ids.of(room, text), text]))
    this.#byId.set(members, known)
    return known.get(id)
  }
}

type Tell = () => Awaitable<void>

interface Missed {
  readonly room: Room
  readonly account: Jid
  readonly marked: Message
  readonly speaker: Occupant
  readonly archiveId: bigint | undefined
  readonly isMentioned: boolean
}

/** XEP-0452 §3.2: the whole line, with what the room has added to it. */
function noticeOf(room: Room, account: Jid, marked: Message, now: number): Message {
  const line = forwarded(marked.addressed(room.jid), delay(room.jid, now))
  return new Message({ type: 'normal', from: room.jid, to: account }, Body.of([el('mentions', MENTIONS, null, line)]))
}
