import { KeptMap, type Vault } from '@parley/adapter'

/** A room of two: one of our users, and somebody there. */
export interface Direct {
  readonly room: string
  readonly user: string
  readonly peer: string
}

/** A room of many that users of ours are in. */
export interface Hall {
  readonly room: string
  readonly alias: string
  readonly users: readonly string[]
}

/** Rooms of two; pages for them, and for who is in which room of many. */
const DIRECTS = 10_000
const PAGES = 128
const SEATS = 5000

interface KeptDirect extends Omit<Direct, 'room'> {
  /** Milliseconds since 1970: of several rooms the newest is used. */
  readonly since: number
}

/** Which room of the network is what here. Kept: a conversation goes on in its room. */
export class Places {
  readonly #directs: KeptMap<KeptDirect>
  /** By room and user: the room's alias. */
  readonly #seats: KeptMap<string>
  readonly #halls = new Map<string, Hall>()

  constructor(kv: Vault) {
    this.#directs = new KeptMap(kv, 'directs', PAGES)
    this.#seats = new KeptMap(kv, 'seats', PAGES)
  }

  async load(): Promise<void> {
    await this.#directs.load()
    await this.#seats.load()
    for (const [seat, alias] of this.#seats.entries()) {
      const space = seat.indexOf(' ')
      this.#sit(seat.slice(0, space), alias, seat.slice(space + 1))
    }
  }

  direct(room: string): Direct | undefined {
    const kept = this.#directs.get(room)
    return kept && { room, user: kept.user, peer: kept.peer }
  }

  hall(room: string): Hall | undefined {
    return this.#halls.get(room)
  }

  hallNamed(alias: string): Hall | undefined {
    for (const hall of this.#halls.values()) if (hall.alias === alias) return hall
    return undefined
  }

  between(user: string, peer: string): Direct | undefined {
    let found: Direct | undefined
    let newest = 0
    for (const [room, kept] of this.#directs.entries()) {
      if (kept.user !== user || kept.peer !== peer || kept.since < newest) continue
      newest = kept.since
      found = { room, user, peer }
    }
    return found
  }

  /** Users who talk with somebody. */
  usersOf(peer: string): readonly string[] {
    const users = new Set<string>()
    for (const [, kept] of this.#directs.entries()) if (kept.peer === peer) users.add(kept.user)
    return [...users]
  }

  /** Whom a user talks with: of so many those of the last. */
  peersOf(user: string, most: number): readonly string[] {
    const mine = [...this.#directs.entries()].filter(([, kept]) => kept.user === user)
    const newest = mine.sort(([, one], [, other]) => other.since - one.since)
    return [...new Set(newest.map(([, { peer }]) => peer))].slice(0, most)
  }

  /** @param since milliseconds since 1970 */
  async addDirect({ room, user, peer }: Direct, since: number): Promise<void> {
    if (this.#directs.size >= DIRECTS && !this.#directs.has(room)) await this.#directs.delete(this.#oldest())
    await this.#directs.set(room, { user, peer, since })
  }

  async removeDirect(room: string): Promise<void> {
    await this.#directs.delete(room)
  }

  /** False: there are too many. */
  async enter(room: string, alias: string, user: string): Promise<boolean> {
    const seat = `${room} ${user}`
    if (this.#seats.size >= SEATS && !this.#seats.has(seat)) return false
    this.#sit(room, alias, user)
    await this.#seats.set(seat, alias)
    return true
  }

  async leave(room: string, user: string): Promise<void> {
    const hall = this.#halls.get(room)
    const users = hall?.users.filter(each => each !== user) ?? []
    if (hall && users.length > 0) this.#halls.set(room, { ...hall, users })
    else this.#halls.delete(room)
    await this.#seats.delete(`${room} ${user}`)
  }

  #sit(room: string, alias: string, user: string): void {
    const users = new Set([...(this.#halls.get(room)?.users ?? []), user])
    this.#halls.set(room, { room, alias, users: [...users] })
  }

  #oldest(): string {
    let oldest = ''
    let least = Number.POSITIVE_INFINITY
    for (const [room, { since }] of this.#directs.entries()) {
      if (since >= least) continue
      least = since
      oldest = room
    }
    return oldest
  }
}
