import type { Room, RoomMember } from '@parley/adapter'
import type { Person } from './updates.ts'

/** Members of one group that are known: bots see who runs it, who speaks, and who comes and goes. */
const MEMBERS = 1000

interface Member {
  readonly nick: string
  readonly role: RoomMember['role']
}

/** A group that the user has joined. Nicknames there are not unique; here they are made so. */
export class Group {
  readonly id: string
  readonly #own: string
  readonly #members = new Map<string, Member>()
  title: string

  /** @param own nickname of the bot */
  constructor(id: string, title: string, own: string) {
    this.id = id
    this.title = title
    this.#own = own
  }

  /** The nickname here of somebody, and whether they are new. */
  enter(
    { id, name }: Person,
    role: RoomMember['role'] = 'participant',
  ): { readonly nick: string; readonly fresh: boolean } {
    const known = this.#members.get(id)
    if (known) return { nick: known.nick, fresh: false }
    const taken = name === this.#own || [...this.#members.values()].some(member => member.nick === name)
    const nick = taken ? `${name} (${id})` : name
    if (this.#members.size >= MEMBERS) return { nick, fresh: false }
    this.#members.set(id, { nick, role })
    return { nick, fresh: true }
  }

  /** The nickname that somebody had. */
  leave(id: string): string | undefined {
    const member = this.#members.get(id)
    this.#members.delete(id)
    return member?.nick
  }

  member(id: string): RoomMember | undefined {
    const member = this.#members.get(id)
    return member && { ...member, id }
  }

  idOf(nick: string): string | undefined {
    for (const [id, member] of this.#members) if (member.nick === nick) return id
    return undefined
  }

  describe(): Room {
    const others = [...this.#members].map(([id, member]) => ({ ...member, id }))
    return {
      id: this.id,
      nick: this.#own,
      topic: this.title,
      members: [{ nick: this.#own, role: 'participant' }, ...others],
    }
  }
}
