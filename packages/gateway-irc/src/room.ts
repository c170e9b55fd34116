import type { Room, RoomMember } from '@parley/adapter'
import { canonical } from './names.ts'
import type { Support } from './support.ts'

/** Members of one channel; what is beyond is not shown. */
const MEMBERS = 20_000

interface Member {
  readonly nick: string
  readonly modes: string
}

/** One channel that the user is in. */
export class Channel {
  readonly id: string
  readonly #support: Support
  readonly #members = new Map<string, Member>()
  topic: string | undefined
  topicBy: string | undefined
  moderated = false
  /** The members are all there. */
  complete = false

  constructor(id: string, support: Support) {
    this.id = id
    this.#support = support
  }

  has(key: string): boolean {
    return this.#members.has(key)
  }

  /** @param key the nickname as the server compares it */
  add(key: string, nick: string, modes = ''): void {
    if (this.#members.size < MEMBERS || this.#members.has(key)) this.#members.set(key, { nick, modes })
  }

  /** `@+juliet` of a list of names. */
  addListed(word: string, key: (nick: string) => string): void {
    const { signs, modes } = this.#support
    let at = 0
    let has = ''
    while (at < word.length && signs.includes(word[at]!)) has += modes[signs.indexOf(word[at++]!)]
    const nick = word.slice(at).split('!')[0]!
    if (nick) this.add(key(nick), nick, has)
  }

  remove(key: string): string | undefined {
    const member = this.#members.get(key)
    this.#members.delete(key)
    return member?.nick
  }

  /** The nickname before; undefined: not a member. */
  rename(key: string, to: string, nick: string): string | undefined {
    const member = this.#members.get(key)
    if (!member) return undefined
    this.#members.delete(key)
    this.#members.set(to, { nick, modes: member.modes })
    return member.nick
  }

  /** False: not a mode of members, or nothing has changed. */
  setMode(key: string, mode: string, on: boolean): boolean {
    const member = this.#members.get(key)
    if (!member || !this.#support.modes.includes(mode) || member.modes.includes(mode) === on) return false
    this.#members.set(key, { nick: member.nick, modes: on ? member.modes + mode : member.modes.replace(mode, '') })
    return true
  }

  member(key: string): RoomMember | undefined {
    const member = this.#members.get(key)
    return member && this.#describe(member)
  }

  members(): RoomMember[] {
    return [...this.#members.values()].map(member => this.#describe(member))
  }

  describe(nick: string): Room {
    return {
      id: this.id,
      nick,
      ...(this.topic === undefined ? {} : { topic: this.topic }),
      ...(this.topicBy === undefined ? {} : { topicBy: this.topicBy }),
      members: this.members(),
    }
  }

  #describe({ nick, modes }: Member): RoomMember {
    const id = canonical(nick)
    return { nick, role: this.#role(modes), ...(id === undefined ? {} : { id }) }
  }

  /** Whoever has a mode above voice may remove others. */
  #role(modes: string): RoomMember['role'] {
    for (const mode of modes) if (mode !== 'v') return 'moderator'
    return modes || !this.moderated ? 'participant' : 'visitor'
  }
}
