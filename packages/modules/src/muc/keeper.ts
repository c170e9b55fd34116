import type { Jid } from '@parley/jid'
import { idText, type Json, type MessageLog, type OwnedMap } from '@parley/store'
import type { Awaitable, Clock } from '@xmpp/server-core'
import { configOf, type RoomConfig, storedConfig } from './config.ts'
import { type HatStores, Hats } from './hats.ts'
import type { Earlier } from './history.ts'
import { type Change, Journal } from './journal.ts'
import type { LastSeen } from './last-seen.ts'
import { type LatelySpoken, latelySpoken } from './pace.ts'
import { earlierOf } from './returning.ts'
import { isAtLeast } from './roles.ts'
import { type Affiliated, type Outside, Room, type Subject } from './room.ts'
import { Sayings } from './sayings.ts'

/** What is kept of a room besides its affiliations. */
export type StoredRoom = {
  readonly config: { readonly [key: string]: Json }
  readonly subject?: { readonly from: string; readonly text: string; readonly xml: string; readonly at: number }
  readonly locked?: true
}
export type StoredChange = { readonly since: string; readonly account: string; readonly before: string }
export type StoredAffiliation = { readonly affiliation: string; readonly nick?: string; readonly reason?: string }

/** What was said lately, for those who enter. */
const EARLIER = 100
/** Empty rooms that stay in memory. */
const IDLE = 1000

const ROOM = 'room'
const LISTED = 'listed'

export interface KeeperParts extends HatStores {
  readonly rooms: OwnedMap<StoredRoom>
  readonly affiliations: OwnedMap<StoredAffiliation>
  /** Changes of affiliations, by the version that each of them made. */
  readonly changes: OwnedMap<StoredChange>
  readonly messages: MessageLog
  readonly clock: Pick<Clock, 'now'>
  readonly lastSeen: Pick<LastSeen, 'forget' | 'written'>
  readonly outside: Outside
  /** Deletes everything that is kept for a room. */
  erase(room: Jid): Promise<void>
}

/** What of a room is written down when it changes. */
export type Saved = Pick<Room, 'jid' | 'config' | 'subject' | 'isLocked'>

/** A room in memory, with what was said in it lately. */
export interface Open {
  readonly room: Room
  readonly earlier: Earlier[]
  /** Id of what was said last and is kept; 0 where nothing is. */
  newest: bigint
  readonly sayings: Sayings
  /** What was said before the room was opened, in slow mode. */
  readonly spoken: LatelySpoken
}

/** Rooms, read when somebody asks for them and kept while somebody is in them. */
export class Keeper {
  readonly #parts: KeeperParts
  readonly #open = new Map<string, Open>()
  readonly #loading = new Map<string, Promise<Open | undefined>>()
  /** Rooms that somebody enters, and perhaps makes. */
  readonly #entered = new Set<string>()

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  get all(): Iterable<Open> {
    return this.#open.values()
  }

  /** Whether there is such a room here, or may be in a moment. */
  has({ text }: Jid): boolean {
    return this.#open.has(text) || this.#entered.has(text)
  }

  /** Somebody enters a room, of which there may be nothing yet. One at a time. */
  async entering(room: Jid, task: () => Promise<void>): Promise<void> {
    this.#entered.add(room.text)
    await task().finally(() => this.#entered.delete(room.text))
  }

  find(jid: Jid): Awaitable<Open | undefined> {
    const open = this.#open.get(jid.text)
    if (open) return open
    const loading = this.#loading.get(jid.text) ?? this.#load(jid)
    this.#loading.set(jid.text, loading)
    return loading.finally(() => this.#loading.delete(jid.text))
  }

  /** A new room with its first owner, kept from now on. */
  async create(jid: Jid, owner: Jid, config: Partial<RoomConfig>): Promise<Open> {
    const room = new Room(jid, configOf(config), new Map([[owner.text, { affiliation: 'owner' }]]), this.#parts.outside)
    room.isLocked = true
    const open: Open = { room, earlier: [], newest: 0n, sayings: new Sayings(), spoken: new Map() }
    await this.#note(room, { since: '', account: owner.text, before: 'none' })
    room.journal.take(owner.text)
    await this.#parts.affiliations.set(jid.text, owner.text, { affiliation: 'owner' })
    await this.save(room)
    this.#open.set(jid.text, open)
    return open
  }

  async save({ jid, config, subject, isLocked }: Saved): Promise<void> {
    const { rooms } = this.#parts
    const stored = {
      config: storedConfig(config),
      ...(subject && { subject }),
      ...(isLocked && { locked: true as const }),
    }
    await rooms.set(jid.text, ROOM, stored)
    if (config.listed && !isLocked) await rooms.set(jid.text, LISTED, stored)
    else await rooms.delete(jid.text, LISTED)
  }

  async affiliate(room: Room, account: Jid, affiliated: Affiliated): Promise<void> {
    const { affiliations } = this.#parts
    const before = room.affiliationOf(account)
    if (affiliated.affiliation !== before || room.journal.isUntold(account.text)) {
      await this.#note(room, { since: room.journal.version, account: account.text, before })
    }
    if (!isAtLeast(affiliated.affiliation, 'member')) await this.#parts.lastSeen.forget(room.jid, account)
    if (affiliated.affiliation === 'none') await affiliations.delete(room.jid.text, account.text)
    else await affiliations.set(room.jid.text, account.text, { ...affiliated })
  }

  /** Before the change itself: a difference that is told twice does no harm. */
  async #note({ jid, journal }: Room, change: Omit<Change, 'until'>): Promise<void> {
    const { changes, messages } = this.#parts
    const until = idText(messages.nextId())
    await changes.set(jid.text, until, change)
    for (const old of journal.add({ ...change, until })) await changes.delete(jid.text, old.until)
  }

  /** Nothing of it is left. It is in memory as long as something is, so that nobody reads it again meanwhile. */
  async remove(room: Room): Promise<void> {
    await this.#parts.lastSeen.written(room.jid)
    await this.#parts.erase(room.jid)
    this.#open.delete(room.jid.text)
  }

  /** Somebody has left: an empty room goes, or need not be in memory any more. True: it is not. */
  async left(room: Room): Promise<boolean> {
    if (room.size > 0) return false
    if (!room.config.persistent) await this.remove(room)
    else if (this.#open.size > IDLE) this.#open.delete(room.jid.text)
    else return false
    return true
  }

  /** Others have all of them now. */
  forget(): void {
    this.#open.clear()
  }

  remember(open: Open, message: Earlier): void {
    const { earlier } = open
    open.newest = message.row
    earlier.push(message)
    if (earlier.length > 2 * EARLIER) earlier.splice(0, EARLIER)
  }

  /** Lines from before, which the archive of a room has no longer, are shown to nobody. */
  trim(since: (room: string) => number): void {
    for (const { room, earlier } of this.#open.values()) {
      const from = since(room.jid.text)
      const first = earlier.findIndex(({ at }) => at >= from)
      earlier.splice(0, first < 0 ? earlier.length : first)
    }
  }

  /** What was said last, in a room that is here. */
  newestIn({ jid }: Room): bigint | undefined {
    return this.#open.get(jid.text)?.newest
  }

  /** Whether there is such a room, on whatever node. */
  async knows(jid: string): Promise<boolean> {
    return (await this.#parts.rooms.get(jid, ROOM)) !== undefined
  }

  /** Addresses of rooms that want to be found. */
  listed(domain: string): Promise<string[]> {
    return this.#parts.rooms.owners(domain, LISTED)
  }

  /** The name that a listed room has given itself. */
  async titleOf(jid: string): Promise<string> {
    return String((await this.#parts.rooms.get(jid, LISTED))?.config['title'] ?? '')
  }

  async #load(jid: Jid): Promise<Open | undefined> {
    const stored = await this.#parts.rooms.get(jid.text, ROOM)
    if (!stored) return this.#open.get(jid.text)
    const affiliations = await this.#parts.affiliations.all(jid.text)
    const known = new Map([...affiliations].map(([account, affiliated]) => [account, affiliated as Affiliated]))
    const room = new Room(jid, configOf(stored.config as Partial<RoomConfig>), known, this.#parts.outside)
    const changes = [...(await this.#parts.changes.all(jid.text))].map(
      ([until, change]) => ({ ...change, until }) as Change,
    )
    room.journal = new Journal(changes.sort((a, b) => (a.until < b.until ? -1 : 1)))
    room.subject = stored.subject as Subject | undefined
    room.isLocked = stored.locked ?? false
    room.hats = await Hats.read(this.#parts, jid)
    const rows = await this.#parts.messages.page(jid.text, { limit: EARLIER, backwards: true })
    const earlier = room.config.archived ? rows.flatMap(({ id, stanza }) => earlierOf(jid, id, stanza)) : []
    const { slowMode } = room.config
    const since = this.#parts.clock.now() - slowMode * 1000
    const spoken = slowMode === 0 ? new Map() : await latelySpoken(this.#parts.messages, jid, since)
    // Who has made it meanwhile is in it.
    const made = this.#open.get(jid.text)
    if (made) return made
    const open: Open = { room, earlier, newest: rows.at(-1)?.id ?? 0n, sayings: new Sayings(), spoken }
    this.#open.set(jid.text, open)
    return open
  }
}
