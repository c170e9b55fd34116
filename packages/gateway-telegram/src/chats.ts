import { type Contact, type Event, KeptMap, type Vault } from '@parley/adapter'
import { Group } from './group.ts'
import { isRoom } from './ids.ts'
import { lineOf } from './text.ts'
import { type News, newsOf, type Person, profileOf } from './updates.ts'

const CONTACTS = 1000
const GROUPS = 200
const PROFILES = 1000
const PAGES = 16

export interface ChatsOptions {
  readonly kv: Vault
  readonly me: Person
  emit(event: Event): void
}

/** Contacts and groups of one bot: the network keeps no list of them for it. */
export class Chats {
  readonly #options: ChatsOptions
  /** Contacts: their names. */
  readonly #contacts: KeptMap<string>
  /** Groups that the bot is in, as far as it has heard: their titles. */
  readonly #known: KeptMap<string>
  /** Groups that the user has joined. */
  readonly #groups = new Map<string, Group>()
  #joined: string[] = []
  /** Whose profile has been told. */
  readonly #told = new Map<string, string>()

  constructor(options: ChatsOptions) {
    this.#options = options
    this.#contacts = new KeptMap(options.kv, 'contacts', PAGES)
    this.#known = new KeptMap(options.kv, 'groups', PAGES)
  }

  get joined(): readonly string[] {
    return this.#joined
  }

  get known(): { readonly id: string; readonly name: string }[] {
    return [...this.#known.entries()].map(([id, name]) => ({ id, name }))
  }

  async load(): Promise<void> {
    await this.#contacts.load()
    await this.#known.load()
    this.#joined = JSON.parse((await this.#options.kv.get('joined')) ?? '[]') as string[]
  }

  announce(): void {
    this.#options.emit({
      type: 'roster',
      contacts: [...this.#contacts.entries()].map(([id, name]) => contact(id, name)),
    })
  }

  async addContact(id: string, name: string): Promise<void> {
    if (!this.#contacts.has(id) && this.#contacts.size >= CONTACTS) return
    await this.#contacts.set(id, lineOf(name))
    this.#options.emit({ type: 'contact', contact: contact(id, lineOf(name)) })
  }

  async removeContact(id: string): Promise<void> {
    if (!(await this.#contacts.delete(id))) return
    this.#options.emit({ type: 'contact-gone', id })
  }

  async join(id: string, title: string, admins: readonly Person[]): Promise<void> {
    const { me, emit } = this.#options
    const group = this.#groups.get(id) ?? new Group(id, lineOf(title), me.name)
    for (const admin of admins) if (admin.id !== me.id) group.enter(admin, 'moderator')
    this.#groups.set(id, group)
    await this.#heardOf(id, title)
    await this.#saveJoined([...new Set([...this.#joined, id])])
    emit({ type: 'room', room: group.describe() })
  }

  async leave(id: string, reason?: string, banned = false): Promise<void> {
    const there = this.#groups.delete(id)
    await this.#saveJoined(this.#joined.filter(each => each !== id))
    if (there)
      this.#options.emit({
        type: 'room-left',
        id,
        ...(reason === undefined ? {} : { reason }),
        ...(banned && { banned }),
      })
  }

  memberNamed(id: string, nick: string): string | undefined {
    return this.#groups.get(id)?.idOf(nick)
  }

  async update(update: unknown): Promise<void> {
    for (const news of newsOf(update)) await this.#take(news)
  }

  async #take(news: News): Promise<void> {
    switch (news.type) {
      case 'said':
        await this.#said(news)
        break
      case 'came':
        this.#came(this.#groups.get(news.chat), news.who)
        break
      case 'went':
        this.#went(this.#groups.get(news.chat), news.who)
        break
      case 'titled':
        await this.#heardOf(news.chat, news.title)
        this.#titled(this.#groups.get(news.chat), news.title, news.by.name)
        break
      case 'own':
        if (isRoom(news.chat)) await this.#own(news)
        break
      case 'moved':
        await this.#known.delete(news.chat)
        await this.leave(news.chat, `The group has moved to ${news.to}`)
    }
  }

  async #said({ chat, title, by, event }: News & { readonly type: 'said' }): Promise<void> {
    const { emit, me } = this.#options
    if (by.id === me.id) return
    if (!isRoom(chat)) {
      this.#introduce(by)
      emit(event)
      return
    }
    await this.#heardOf(chat, title ?? this.#known.get(chat) ?? chat)
    const group = this.#groups.get(chat)
    // Groups that the user is not in are not heard: the bot may be in many.
    if (!group || !('nick' in event)) return
    emit({ ...event, nick: this.#came(group, by) ?? by.name } as Event)
  }

  #introduce(person: Person): void {
    const told = `${person.name} ${person.username ?? ''}`
    if (this.#told.get(person.id) === told) return
    if (this.#told.size >= PROFILES) this.#told.clear()
    this.#told.set(person.id, told)
    this.#options.emit({ type: 'profile', profile: profileOf(person) })
  }

  #came(group: Group | undefined, who: Person): string | undefined {
    const { me, emit } = this.#options
    if (!group || who.id === me.id) return undefined
    const { nick, fresh } = group.enter(who)
    if (fresh) emit({ type: 'room-member', id: group.id, member: group.member(who.id)! })
    return nick
  }

  #went(group: Group | undefined, who: Person): void {
    const nick = group?.leave(who.id)
    if (group && nick !== undefined) this.#options.emit({ type: 'room-member-gone', id: group.id, nick })
  }

  #titled(group: Group | undefined, title: string, by: string): void {
    if (!group) return
    group.title = title
    this.#options.emit({ type: 'room', room: { ...group.describe(), topicBy: by } })
  }

  async #own({ chat, title, there, banned }: News & { readonly type: 'own' }): Promise<void> {
    if (there) {
      await this.#heardOf(chat, title ?? chat)
      return
    }
    await this.#known.delete(chat)
    await this.leave(chat, 'The bot was removed from the group', banned)
  }

  async #heardOf(id: string, title: string): Promise<void> {
    const name = lineOf(title)
    if (this.#known.get(id) === name || (!this.#known.has(id) && this.#known.size >= GROUPS)) return
    await this.#known.set(id, name)
  }

  async #saveJoined(ids: readonly string[]): Promise<void> {
    this.#joined = ids.slice(0, GROUPS)
    await this.#options.kv.set('joined', JSON.stringify(this.#joined))
  }
}

function contact(id: string, name: string): Contact {
  return { id, name, subscription: 'both' }
}
