import type { Vault } from '@parley/adapter'

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

const DIRECTS = 20_000
const HALLS = 1000

/** Which room of the network is what here. Kept: a conversation goes on in its room. */
export class Places {
  readonly #kv: Vault
  readonly #directs = new Map<string, Direct>()
  readonly #halls = new Map<string, Hall>()

  constructor(kv: Vault) {
    this.#kv = kv
  }

  async load(): Promise<void> {
    for (const direct of JSON.parse((await this.#kv.get('directs')) ?? '[]') as Direct[])
      this.#directs.set(direct.room, direct)
    for (const hall of JSON.parse((await this.#kv.get('halls')) ?? '[]') as Hall[]) this.#halls.set(hall.room, hall)
  }

  direct(room: string): Direct | undefined {
    return this.#directs.get(room)
  }

  hall(room: string): Hall | undefined {
    return this.#halls.get(room)
  }

  hallNamed(alias: string): Hall | undefined {
    for (const hall of this.#halls.values()) if (hall.alias === alias) return hall
    return undefined
  }

  between(user: string, peer: string): Direct | undefined {
    let last: Direct | undefined
    for (const direct of this.#directs.values()) if (direct.user === user && direct.peer === peer) last = direct
    return last
  }

  /** Users who talk with somebody. */
  usersOf(peer: string): readonly string[] {
    return [...new Set([...this.#directs.values()].filter(each => each.peer === peer).map(({ user }) => user))]
  }

  async addDirect(direct: Direct): Promise<void> {
    this.#directs.delete(direct.room)
    this.#directs.set(direct.room, direct)
    if (this.#directs.size > DIRECTS) this.#directs.delete(this.#directs.keys().next().value!)
    await this.#kv.set('directs', JSON.stringify([...this.#directs.values()]))
  }

  async removeDirect(room: string): Promise<void> {
    if (this.#directs.delete(room)) await this.#kv.set('directs', JSON.stringify([...this.#directs.values()]))
  }

  async enter(room: string, alias: string, user: string): Promise<void> {
    const users = [...new Set([...(this.#halls.get(room)?.users ?? []), user])]
    if (this.#halls.size < HALLS || this.#halls.has(room)) await this.#setHall({ room, alias, users })
  }

  async leave(room: string, user: string): Promise<void> {
    const hall = this.#halls.get(room)
    if (hall) await this.#setHall({ ...hall, users: hall.users.filter(each => each !== user) })
  }

  async #setHall(hall: Hall): Promise<void> {
    if (hall.users.length === 0) this.#halls.delete(hall.room)
    else this.#halls.set(hall.room, hall)
    await this.#kv.set('halls', JSON.stringify([...this.#halls.values()]))
  }
}
