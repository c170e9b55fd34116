import { AdapterError, type Event } from '@parley/adapter'
import { failureOf } from './failures.ts'
import { heard } from './formatting.ts'
import type { Line } from './message.ts'
import { matches } from './names.ts'
import { Channel } from './room.ts'
import type { Support } from './support.ts'
import type { Wire } from './wire.ts'

const ANSWER = 30_000
const LISTING = 60_000
/** Channels of a list, and channels that one is in. */
const LISTED = 5000
const JOINED = 200

export interface Surroundings {
  readonly wire: Wire
  readonly support: Support
  /** Our own nickname. */
  nick(): string
  /** A name as the server compares it. */
  key(name: string): string
  emit(event: Event): void
}

/** The channels that the user is in. */
export class Rooms {
  readonly #around: Surroundings
  readonly #channels = new Map<string, Channel>()
  /** Masks of bans set since, by channel: whoever is removed then is banned. */
  readonly #bans = new Map<string, string[]>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  get ids(): string[] {
    return [...this.#channels.keys()]
  }

  async join(id: string, password: string | undefined): Promise<void> {
    const { wire, key, emit, nick } = this.#around
    const there = this.#channels.get(id)
    if (there?.complete) {
      emit({ type: 'room', room: there.describe(nick()) })
      return
    }
    if (this.#channels.size >= JOINED) throw new AdapterError('limited', 'You are in too many channels', ANSWER)
    const answer = wire.wait(ANSWER, 'The network does not answer', line => {
      if (key(line.params[1] ?? '') !== id) return undefined
      if (line.command === '366') return this.#channels.has(id) || undefined
      const failure = failureOf(line)
      if (failure) throw failure
      return undefined
    })
    wire.send('JOIN', password ? [id, password] : [id])
    await answer
  }

  leave(id: string): void {
    if (this.#channels.has(id)) this.#around.wire.send('PART', [id])
  }

  /** Does something in a channel, and waits until the server has said that it is done. */
  async command(command: string, params: readonly string[], done: (line: Line) => boolean): Promise<void> {
    const { wire, key } = this.#around
    const answer = wire.wait(ANSWER, 'The network does not answer', line => {
      if (done(line)) return true
      const failure = failureOf(line)
      if (failure && params.some(param => line.params.slice(1).some(word => key(word) === key(param)))) throw failure
      return undefined
    })
    wire.send(command, params)
    await answer
  }

  async list(): Promise<readonly { readonly id: string; readonly name?: string; readonly occupants?: number }[]> {
    const { wire, key } = this.#around
    const found: { id: string; name?: string; occupants?: number }[] = []
    const end = wire.wait(LISTING, 'The network does not list its channels', line => {
      if (line.command === '322' && found.length < LISTED) {
        const [, channel = '', count = '', topic = ''] = line.params
        const name = heard(topic)?.trim()
        const occupants = /^\d{1,9}$/.test(count) ? { occupants: Number(count) } : {}
        if (channel !== '*') found.push({ id: key(channel), ...(name ? { name } : {}), ...occupants })
        return undefined
      }
      if (line.command === '263')
        throw new AdapterError('limited', 'The network lists its channels less often', LISTING)
      return line.command === '323' || undefined
    })
    wire.send('LIST', [])
    await end
    return found
  }

  read(line: Line): void {
    const { key, nick } = this.#around
    const own = key(line.nick) === key(nick())
    const [first = '', second = '', third = ''] = line.params
    switch (line.command) {
      case 'JOIN':
        this.#joined(key(first), line, own)
        break
      case 'PART':
        this.#gone(key(first), line.nick, own, second)
        break
      case 'KICK':
        this.#gone(key(first), second, key(second) === key(nick()), third, this.#isBanned(key(first)))
        break
      case 'QUIT':
        for (const id of this.#channels.keys()) this.#gone(id, line.nick, false, first)
        break
      case 'NICK':
        this.#renamed(line.nick, first, own)
        break
      case 'TOPIC':
        this.#topic(key(first), second, line.nick)
        break
      case 'MODE':
        this.#modes(key(first), second, line.params.slice(2))
        break
      case '324':
        this.#modes(key(second), third, line.params.slice(3))
        break
      case '332':
        this.#topic(key(second), third)
        break
      case '353':
        for (const word of (line.params[3] ?? '').split(' ')) this.#channels.get(key(third))?.addListed(word, key)
        break
      case '366':
        this.#complete(key(second))
    }
  }

  #joined(id: string, line: Line, own: boolean): void {
    const { wire, support, key, emit } = this.#around
    if (own && !this.#channels.has(id) && this.#channels.size < JOINED) {
      this.#channels.set(id, new Channel(id, support))
      this.#source = line.source
      wire.send('MODE', [id])
    }
    const channel = this.#channels.get(id)
    if (!channel || own) return
    channel.add(key(line.nick), line.nick)
    if (channel.complete) emit({ type: 'room-member', id, member: channel.member(key(line.nick))! })
  }

  /** Ourselves as others see us: what masks of bans are compared with. */
  #source = ''

  #complete(id: string): void {
    const channel = this.#channels.get(id)
    if (!channel || channel.complete) return
    channel.complete = true
    this.#around.emit({ type: 'room', room: channel.describe(this.#around.nick()) })
  }

  #gone(id: string, nick: string, own: boolean, reason: string, banned = false): void {
    const channel = this.#channels.get(id)
    const why = reason ? { reason: heard(reason) ?? '' } : {}
    if (!channel) return
    if (own) {
      this.#channels.delete(id)
      this.#bans.delete(id)
      this.#around.emit({ type: 'room-left', id, ...why, ...(banned ? { banned } : {}) })
      return
    }
    const gone = channel.remove(this.#around.key(nick))
    if (gone !== undefined && channel.complete) this.#around.emit({ type: 'room-member-gone', id, nick: gone, ...why })
  }

  #renamed(from: string, to: string, own: boolean): void {
    const { key, emit } = this.#around
    for (const [id, channel] of this.#channels) {
      const before = channel.rename(key(from), key(to), to)
      if (before === undefined || !channel.complete) continue
      emit({ type: 'room-member', id, member: channel.member(key(to))!, before })
      if (own) emit({ type: 'room', room: channel.describe(to) })
    }
  }

  #topic(id: string, topic: string, by?: string): void {
    const channel = this.#channels.get(id)
    if (!channel) return
    channel.topic = heard(topic)
    channel.topicBy = by
    if (channel.complete) this.#around.emit({ type: 'room', room: channel.describe(this.#around.nick()) })
  }

  #modes(id: string, modes: string, parameters: readonly string[]): void {
    const { support, key, emit } = this.#around
    const channel = this.#channels.get(id)
    if (!channel) return
    let on = true
    let at = 0
    for (const mode of modes) {
      if (mode === '+' || mode === '-') {
        on = mode === '+'
        continue
      }
      const member = support.modes.includes(mode)
      const takes = member || support.withParameter.includes(mode) || (on && support.withParameterSet.includes(mode))
      const parameter = takes ? (parameters[at++] ?? '') : ''
      if (member && channel.setMode(key(parameter), mode, on) && channel.complete)
        emit({ type: 'room-member', id, member: channel.member(key(parameter))! })
      if (mode === 'b') this.#ban(id, parameter, on)
      if (mode === 'm' && channel.moderated !== on) {
        channel.moderated = on
        if (channel.complete) for (const each of channel.members()) emit({ type: 'room-member', id, member: each })
      }
    }
  }

  #ban(id: string, mask: string, on: boolean): void {
    const masks = (this.#bans.get(id) ?? []).filter(each => each !== mask)
    this.#bans.set(id, on ? [...masks.slice(-20), mask] : masks)
  }

  #isBanned(id: string): boolean {
    const source = this.#source.toLowerCase()
    return (this.#bans.get(id) ?? []).some(mask => matches(mask.toLowerCase(), source))
  }
}
