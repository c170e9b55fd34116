import {
  type Ack,
  AdapterError,
  type By,
  type Context,
  type Event,
  type Outgoing,
  type Place,
  type Presence,
  type Profile,
  type Session,
  sameSecret,
} from '@parley/adapter'
import { canonical } from './canonical.ts'
import { misbehave } from './misbehave.ts'
import type { Login, Person } from './person.ts'
import type { LoopSettings } from './settings.ts'
import { sees, type World } from './world.ts'

/** Answers that are kept for commands that come again. */
const KEPT = 200

/** One account that is logged in. */
export class LoopSession implements Session, Login {
  readonly #context: Context<LoopSettings>
  readonly #world: World
  readonly #done = new Map<string, Ack>()
  #person: Person | undefined
  #stopMisbehaving = () => {}

  constructor(context: Context<LoopSettings>, world: World) {
    this.#context = context
    this.#world = world
  }

  async start(): Promise<void> {
    const { account, secrets, settings, kv, emit } = this.#context
    const id = canonical(account?.fields['name'] ?? '')
    if (id === undefined || id.startsWith('#')) throw new AdapterError('credentials', 'That is no name of this network')
    const password = await secrets.get('password')
    if (settings.password !== '' && !sameSecret(settings.password, password ?? ''))
      throw new AdapterError('credentials', 'The password is wrong')
    await misbehave('start', this.#context)
    const person = this.#world.enter(id, this)
    this.#person = person
    await kv.set('logins', String(Number((await kv.get('logins')) ?? 0) + 1))
    emit({ type: 'self', id, name: person.profile.name ?? id })
    emit({ type: 'roster', contacts: [...person.contacts.values()] })
    for (const contact of person.contacts.values()) {
      const other = this.#world.person(contact.id)
      if (sees(person, other)) emit({ type: 'presence', id: other.id, presence: other.seen })
    }
    for (const [other, text] of person.requests) emit({ type: 'request', id: other, ...(text && { text }) })
    for (const event of person.takeWaiting()) emit(event)
    this.#world.setPresence(person, person.presence, this)
    this.#stopMisbehaving = (await misbehave('online', this.#context)) ?? (() => {})
  }

  async stop(): Promise<void> {
    this.#stopMisbehaving()
    const person = this.#person
    this.#person = undefined
    if (person) this.#world.leave(person, this)
  }

  async ping(): Promise<void> {
    this.#me()
    await misbehave('command', this.#context)
  }

  heard(event: Event): void {
    if (this.#person) this.#context.emit(event)
  }

  thrown(reason: 'replaced' | 'cut'): void {
    this.#person = undefined
    this.#stopMisbehaving()
    const text = reason === 'replaced' ? 'You have logged in with another program' : 'The connection was lost'
    const error = new AdapterError(reason === 'replaced' ? 'replaced' : 'transient', text)
    this.#context.emit({ type: 'ended', error })
  }

  async setPresence(presence: Presence): Promise<void> {
    this.#world.setPresence(this.#me(), presence, this)
  }

  async send({ to, key, receipt, ...said }: Outgoing): Promise<Ack> {
    await misbehave('command', this.#context)
    return this.#once(key, () => {
      const ack = this.#world.talk.say(this.#me(), to, said, this.#context.clock.now(), this)
      if (receipt && ack.level === 'delivered' && ack.id !== undefined)
        this.#context.emit({ type: 'receipt', peer: to.peer, ids: [ack.id], level: 'delivered' })
      return ack
    })
  }

  async typing(to: Place, state: 'composing' | 'paused' | 'gone'): Promise<void> {
    this.#world.talk.hint(this.#me(), to, from => ({ type: 'typing', state, ...from }))
  }

  async delivered(to: Place, ids: readonly string[]): Promise<void> {
    this.#world.talk.hint(this.#me(), to, from => ({ type: 'receipt', ids, level: 'delivered', ...from }))
  }

  async read(to: Place, ids: readonly string[]): Promise<void> {
    this.#world.talk.hint(this.#me(), to, from => ({ type: 'receipt', ids, level: 'read', ...from }))
  }

  async edit(to: Place, target: string, text: string, { key }: By): Promise<Ack> {
    return this.#once(key, () => {
      this.#world.talk.tell(this.#me(), to, { type: 'edit', target, text }, this)
      return { level: 'sent' }
    })
  }

  async retract(to: Place, target: string): Promise<void> {
    this.#world.talk.tell(this.#me(), to, { type: 'retract', target }, this)
  }

  async react(to: Place, target: string, emojis: readonly string[]): Promise<void> {
    this.#world.talk.tell(this.#me(), to, { type: 'reaction', target, emojis }, this)
  }

  async attention(to: Place): Promise<void> {
    this.#world.talk.hint(this.#me(), to, from => ({ type: 'attention', ...from }))
  }

  async addContact(id: string, details: { name?: string; groups?: readonly string[]; text?: string }): Promise<void> {
    this.#world.add(this.#me(), id, details)
  }

  async removeContact(id: string): Promise<void> {
    this.#world.remove(this.#me(), id)
  }

  async renameContact(id: string, name: string): Promise<void> {
    this.#has(id).contact(id, { name })
  }

  async regroupContact(id: string, groups: readonly string[]): Promise<void> {
    this.#has(id).contact(id, { groups })
  }

  async answer(id: string, yes: boolean): Promise<void> {
    this.#world.answer(this.#me(), id, yes)
  }

  async block(id: string, on: boolean): Promise<void> {
    const person = this.#me()
    if (on) person.blocked.add(id)
    else person.blocked.delete(id)
    const other = this.#world.known(id)
    if (person.contacts.has(id)) person.contact(id, { blocked: on })
    other.tell({ type: 'presence', id: person.id, presence: on ? { show: 'unavailable' } : person.seen })
  }

  async joinRoom(id: string, nick: string, password: string | undefined): Promise<void> {
    this.#world.rooms.join(this.#me(), id, nick, password)
  }

  async leaveRoom(id: string): Promise<void> {
    this.#world.rooms.leave(this.#me(), id)
  }

  async setTopic(id: string, topic: string): Promise<void> {
    this.#world.rooms.setTopic(this.#me(), id, topic)
  }

  async setNick(id: string, nick: string): Promise<void> {
    this.#world.rooms.setNick(this.#me(), id, nick)
  }

  async invite(id: string, whom: string): Promise<void> {
    this.#world.rooms.invite(this.#me(), id, whom)
  }

  async kick(id: string, nick: string, reason: string): Promise<void> {
    this.#world.rooms.kick(this.#me(), id, nick, reason)
  }

  async listRooms(): Promise<readonly { id: string; name: string; occupants: number }[]> {
    return this.#world.rooms.list()
  }

  async profile(id: string): Promise<Profile> {
    return this.#world.known(id).profile
  }

  async avatar(id: string): Promise<void> {
    const { picture } = this.#world.known(id)
    const media = picture && (await this.#context.media.put(picture.bytes, picture.type))
    this.#context.emit({ type: 'avatar', id, ...(media !== undefined && { media }) })
  }

  async search(query: string): Promise<readonly Profile[]> {
    const wanted = query.toLowerCase()
    const found = [...this.#world.people.values()].filter(({ id, profile }) =>
      `${id} ${profile.name}`.toLowerCase().includes(wanted),
    )
    return found.map(person => person.profile)
  }

  #me(): Person {
    if (!this.#person) throw new AdapterError('transient', 'You are not logged in')
    return this.#person
  }

  #has(id: string): Person {
    const person = this.#me()
    if (!person.contacts.has(id)) throw new AdapterError('not-found', 'You have no such contact')
    return person
  }

  /** What comes again under the same key is done once. */
  #once(key: string, run: () => Ack): Ack {
    const ack = this.#done.get(key) ?? run()
    this.#done.set(key, ack)
    const oldest = this.#done.size > KEPT ? this.#done.keys().next().value : undefined
    if (oldest !== undefined) this.#done.delete(oldest)
    return ack
  }
}
