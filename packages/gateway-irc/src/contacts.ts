import { type AdapterClock, type Contact, type Event, KeptMap, type Presence, type Vault } from '@parley/adapter'
import type { Line } from './message.ts'
import { GONE, presenceOf } from './presence.ts'
import type { Support } from './support.ts'
import type { Wire } from './wire.ts'

/** IRC keeps no lists of contacts: this one is kept here. */
const CONTACTS = 1000
const PAGES = 32
const NAME = 200
const GROUPS = 10
/** How often those are asked for whom the server does not watch. */
const POLL = 60_000
const ANSWER = 30_000
/** Bytes of names in one line. */
const NAMES_BYTES = 380
/** Questions in one round about who is away; they count against what the network allows. */
const AWAY_LINES = 4

interface Kept {
  readonly id: string
  readonly name?: string
  readonly groups?: readonly string[]
}

interface Seen {
  readonly here: boolean
  readonly away: string | undefined
}

export interface ContactsOptions {
  readonly kv: Vault
  readonly clock: AdapterClock
  readonly wire: Wire
  readonly support: Support
  /** The server tells when somebody who is watched goes away (`extended-monitor`). */
  readonly tellsAway: boolean
  key(name: string): string
  emit(event: Event): void
}

/** Who is watched, and whether they are there: by MONITOR, or by asking (ISON, USERHOST). */
export class Contacts {
  readonly #options: ContactsOptions
  readonly #kept: KeptMap<Omit<Kept, 'id'>>
  readonly #seen = new Map<string, Seen>()
  readonly #watched = new Set<string>()
  #stop: (() => void) | undefined
  #next = 0
  #polling = false

  constructor(options: ContactsOptions) {
    this.#options = options
    this.#kept = new KeptMap(options.kv, 'contacts', PAGES)
  }

  async start(): Promise<void> {
    await this.#kept.load()
    this.#options.emit({ type: 'roster', contacts: [...this.#kept.entries()].map(([id, kept]) => describe(id, kept)) })
    this.#watch(this.#ids)
    void this.#poll()
    this.#stop = this.#options.clock.every(POLL, () => void this.#poll())
  }

  stop(): void {
    this.#stop?.()
  }

  has(id: string): boolean {
    return this.#kept.has(id)
  }

  /** Keeps it, new or changed. */
  async put({ id, name, groups }: Kept): Promise<void> {
    const known = this.#kept.get(id)
    if (!known && this.#kept.size >= CONTACTS) return
    const named = name === undefined ? {} : { name: name.slice(0, NAME) }
    const grouped = groups === undefined ? {} : { groups: groups.slice(0, GROUPS).map(group => group.slice(0, NAME)) }
    const kept = { ...known, ...named, ...grouped }
    await this.#kept.set(id, kept)
    this.#options.emit({ type: 'contact', contact: describe(id, kept) })
    if (known) return
    this.#watch([id])
    if (!this.#watched.has(id)) await this.#ask([id])
  }

  async remove(id: string): Promise<void> {
    if (!(await this.#kept.delete(id))) return
    this.#seen.delete(id)
    if (this.#watched.delete(id)) this.#options.wire.send('MONITOR', ['-', id])
    this.#options.emit({ type: 'contact-gone', id })
  }

  get #ids(): string[] {
    return [...this.#kept.entries()].map(([id]) => id).sort()
  }

  read(line: Line): void {
    const { key } = this.#options
    const from = key(line.nick)
    const names = () => (line.params[1] ?? '').split(',').map(name => key(name.split('!')[0]!))
    switch (line.command) {
      case '730':
        for (const name of names()) this.#is(name, true, this.#seen.get(name)?.away)
        break
      case '731':
        for (const name of names()) this.#is(name, false)
        break
      case '734':
        for (const name of (line.params[2] ?? '').split(',')) this.#watched.delete(key(name))
        break
      case '301':
        this.#is(key(line.params[1] ?? ''), true, line.params[2] ?? '')
        break
      case 'AWAY':
        this.#is(from, true, line.params[0] || undefined)
        break
      case 'JOIN':
      case 'PRIVMSG':
        if (!this.#seen.get(from)?.here) this.#is(from, true)
        break
      case 'NICK':
        if (from !== key(line.params[0] ?? '')) this.#is(from, false)
        this.#is(key(line.params[0] ?? ''), true, this.#seen.get(from)?.away)
        break
      case 'QUIT':
        this.#is(from, false)
    }
  }

  #is(id: string, here: boolean, away?: string): void {
    if (!this.#kept.has(id)) return
    const before = this.#seen.get(id)
    if (before && before.here === here && before.away === away) return
    this.#seen.set(id, { here, away })
    const presence: Presence = here ? presenceOf(away) : GONE
    this.#options.emit({ type: 'presence', id, presence })
  }

  #watch(ids: readonly string[]): void {
    const room = this.#options.support.monitor - this.#watched.size
    for (const chunk of chunks(ids.slice(0, Math.max(0, room)))) {
      for (const id of chunk) this.#watched.add(id)
      this.#options.wire.send('MONITOR', ['+', chunk.join(',')])
    }
  }

  /** One round: at most one at a time, and none that fails ends the session. */
  async #poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    try {
      await this.#ask(this.#ids.filter(id => !this.#watched.has(id)))
      if (!this.#options.tellsAway) await this.#askAway()
    } catch {
      // The session is ending, or the server is slow: the next round asks again.
    } finally {
      this.#polling = false
    }
  }

  async #ask(ids: readonly string[]): Promise<void> {
    const { wire, key } = this.#options
    for (const chunk of chunks(ids)) {
      const answer = wire.wait(ANSWER, 'The network does not answer', line =>
        line.command === '303' ? (line.params[1] ?? '').split(' ').filter(Boolean).map(key) : undefined,
      )
      wire.send('ISON', [chunk.join(' ')])
      const here = new Set(await answer)
      for (const id of chunk) this.#is(id, here.has(id), this.#seen.get(id)?.away)
    }
  }

  /** Of those who are here, some each round: five may be asked for in one line. */
  async #askAway(): Promise<void> {
    const { wire, key } = this.#options
    const here = [...this.#seen].filter(([, seen]) => seen.here).map(([id]) => id)
    for (let lines = 0; lines < Math.min(AWAY_LINES, Math.ceil(here.length / 5)); lines++) {
      if (this.#next >= here.length) this.#next = 0
      const chunk = here.slice(this.#next, this.#next + 5)
      this.#next += 5
      const answer = wire.wait(ANSWER, 'The network does not answer', line =>
        line.command === '302' ? (line.params[1] ?? '').split(' ') : undefined,
      )
      wire.send('USERHOST', chunk)
      for (const word of await answer) {
        const match = /^([^*=]+)\*?=([+-])/.exec(word)
        const seen = match && this.#seen.get(key(match[1]!))
        if (!seen) continue
        const away = match[2] === '-'
        if (away !== (seen.away !== undefined)) this.#is(key(match[1]!), true, away ? '' : undefined)
      }
    }
  }
}

function describe(id: string, { name, groups }: Omit<Kept, 'id'>): Contact {
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(groups === undefined ? {} : { groups }),
    subscription: 'both',
  }
}

function* chunks(ids: readonly string[]): Generator<string[], void> {
  let chunk: string[] = []
  let size = 0
  for (const id of ids) {
    const bytes = Buffer.byteLength(id) + 1
    if (size + bytes > NAMES_BYTES && chunk.length > 0) {
      yield chunk
      chunk = []
      size = 0
    }
    chunk.push(id)
    size += bytes
  }
  if (chunk.length > 0) yield chunk
}
