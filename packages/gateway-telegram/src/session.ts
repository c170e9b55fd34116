import {
  type Ack,
  AdapterError,
  type Context,
  type Event,
  Once,
  type Outgoing,
  type Place,
  type Profile,
  type Session,
} from '@parley/adapter'
import { Api } from './api.ts'
import { Chats } from './chats.ts'
import { canonical, isRoom, messageId, messageNumber } from './ids.ts'
import { fieldsOf, listOf, numberOf, textOf } from './json.ts'
import { Poll } from './poll.ts'
import type { TelegramSettings } from './settings.ts'
import { piecesOf } from './text.ts'
import { type Person, personOf, profileOf } from './updates.ts'

const PICTURE = 1_048_576

/** One bot of one user, and whoever writes to it. */
export class TelegramSession implements Session {
  readonly #context: Context<TelegramSettings>
  readonly #once = new Once()
  #api: Api | undefined
  #poll: Poll | undefined
  #chats: Chats | undefined
  #me: Person | undefined
  #state: 'new' | 'online' | 'over' = 'new'

  constructor(context: Context<TelegramSettings>) {
    this.#context = context
  }

  async start(): Promise<void> {
    const { secrets, kv, clock, settings } = this.#context
    const token = (await secrets.get('token'))?.trim() ?? ''
    if (!/^\d{1,20}:[\w-]{1,100}$/.test(token)) throw new AdapterError('credentials', 'That is no token of a bot')
    const api = new Api(this.#context, token)
    const me = await this.#identify(api)
    const emit = (event: Event) => this.#emit(event)
    const chats = new Chats({ kv, emit, me })
    await chats.load()
    if (this.#isOver) throw stopped()
    this.#api = api
    this.#me = me
    this.#chats = chats
    this.#state = 'online'
    emit({ type: 'self', id: me.id, name: me.name })
    chats.announce()
    for (const id of chats.joined) await this.#enter(id).catch(error => this.#lost(id, error))
    if (this.#isOver) throw stopped()
    this.#poll = new Poll({
      api,
      kv,
      clock,
      seconds: settings.pollSeconds,
      update: update => chats.update(update),
      well: well => emit({ type: 'state', state: well ? 'online' : 'degraded' }),
      ended: error => this.#ended(error),
    })
    void this.#poll.run().catch(() => this.#ended(new AdapterError('transient', 'What was read could not be kept')))
  }

  async stop(): Promise<void> {
    this.#state = 'over'
    this.#poll?.stop()
  }

  async ping(): Promise<void> {
    await this.#online.api.call('getMe')
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#once.run(message.key, async () => {
      const { api, me } = this.#online
      const chat = named(message.to)
      const answered = message.replyTo === undefined ? undefined : messageNumber(chat, message.replyTo)
      const reply =
        answered === undefined ? {} : { reply_parameters: { message_id: answered, allow_sending_without_reply: true } }
      const pieces = piecesOf(message.text)
      let first: Ack | undefined
      for (const text of pieces) {
        const sent = fieldsOf(await api.call('sendMessage', { chat_id: Number(chat), text, ...(first ? {} : reply) }))
        const number = numberOf(sent?.['message_id'])
        const id = number === undefined ? {} : { id: messageId(chat, number) }
        first ??= { ...id, level: 'sent' }
        // Bots do not hear themselves; a room shows what was said when it comes back.
        if (isRoom(chat)) this.#emit({ type: 'message', peer: chat, nick: me.name, text, origin: 'self-echo', ...id })
      }
      if (!first) throw new AdapterError('unsupported', 'There is nothing in this message')
      return first
    })
  }

  async typing(to: Place, state: 'composing' | 'paused' | 'gone'): Promise<void> {
    // It ends by itself, after five seconds.
    if (state === 'composing')
      await this.#online.api.call('sendChatAction', { chat_id: Number(named(to)), action: 'typing' })
  }

  edit(to: Place, target: string, text: string, { key }: { readonly key: string }): Promise<Ack> {
    return this.#once.run(key, async () => {
      const message = { ...this.#message(to, target), text: piecesOf(text)[0] ?? '' }
      await this.#online.api.call('editMessageText', message)
      return { level: 'sent' }
    })
  }

  async retract(to: Place, target: string): Promise<void> {
    await this.#online.api.call('deleteMessage', this.#message(to, target))
  }

  /** A bot has one reaction to a message. */
  async react(to: Place, target: string, emojis: readonly string[]): Promise<void> {
    const reaction = emojis.slice(0, 1).map(emoji => ({ type: 'emoji', emoji }))
    await this.#online.api.call('setMessageReaction', { ...this.#message(to, target), reaction })
  }

  async addContact(id: string, { name }: { readonly name?: string }): Promise<void> {
    if (isRoom(id)) throw new AdapterError('unsupported', 'Groups are no contacts: join them')
    const person = await this.#person(id)
    await this.#online.chats.addContact(id, name ?? person.name)
  }

  async removeContact(id: string): Promise<void> {
    await this.#online.chats.removeContact(id)
  }

  async renameContact(id: string, name: string): Promise<void> {
    await this.#online.chats.addContact(id, name)
  }

  /** A group that the bot is in: those who are in it take it in. */
  async joinRoom(id: string): Promise<void> {
    if (!isRoom(id)) throw new AdapterError('not-found', 'That is no group')
    await this.#enter(id)
  }

  /** The user has gone; the bot stays, since it could not come back by itself. */
  async leaveRoom(id: string): Promise<void> {
    await this.#online.chats.leave(id)
  }

  async setTopic(id: string, topic: string): Promise<void> {
    await this.#online.api.call('setChatTitle', { chat_id: Number(named({ peer: id })), title: topic })
  }

  async kick(id: string, nick: string): Promise<void> {
    const user = this.#online.chats.memberNamed(id, nick)
    if (user === undefined) throw new AdapterError('not-found', 'Nobody of that name is in the group')
    const member = { chat_id: Number(id), user_id: Number(user) }
    await this.#online.api.call('banChatMember', member)
    await this.#online.api.call('unbanChatMember', { ...member, only_if_banned: true })
  }

  async listRooms(): Promise<readonly { readonly id: string; readonly name: string }[]> {
    return this.#online.chats.known
  }

  async profile(id: string): Promise<Profile> {
    return profileOf(await this.#person(id))
  }

  async avatar(id: string): Promise<void> {
    const { api } = this.#online
    const photos = fieldsOf(await api.call('getUserProfilePhotos', { user_id: Number(named({ peer: id })), limit: 1 }))
    const sizes = listOf(listOf(photos?.['photos'])[0])
    const file = textOf(fieldsOf(sizes[Math.min(1, sizes.length - 1)])?.['file_id'])
    if (file === undefined) {
      this.#emit({ type: 'avatar', id })
      return
    }
    const path = textOf(fieldsOf(await api.call('getFile', { file_id: file }))?.['file_path']) ?? ''
    const bytes = await api.file(path, PICTURE)
    if (bytes) this.#emit({ type: 'avatar', id, media: await this.#context.media.put(bytes, 'image/jpeg') })
  }

  async #identify(api: Api): Promise<Person> {
    try {
      const me = personOf(await api.call('getMe'))
      if (me) return me
    } catch (error) {
      // The Bot API says that there is no such address where a token was never one.
      if (!(error instanceof AdapterError) || error.failure !== 'not-found') throw error
      throw new AdapterError('credentials', 'Telegram does not know this bot: its token is wrong or was revoked')
    }
    throw new AdapterError('protocol', 'Telegram does not say who this bot is')
  }

  async #enter(id: string): Promise<void> {
    const { api, chats } = this.#online
    const chat = fieldsOf(await api.call('getChat', { chat_id: Number(id) }))
    const admins = listOf(await api.call('getChatAdministrators', { chat_id: Number(id) }))
      .slice(0, 100)
      .flatMap(each => personOf(fieldsOf(each)?.['user']) ?? [])
    await chats.join(id, textOf(chat?.['title']) ?? id, admins)
  }

  #lost(id: string, error: unknown): void {
    const reason = error instanceof AdapterError ? error.message : 'The group cannot be entered'
    this.#emit({ type: 'room-left', id, reason })
  }

  async #person(id: string): Promise<Person> {
    const chat = fieldsOf(await this.#online.api.call('getChat', { chat_id: Number(named({ peer: id })) }))
    const person = personOf(chat && { ...chat, first_name: chat['first_name'] ?? chat['title'] })
    if (!person) throw new AdapterError('protocol', 'Telegram gives an answer that makes no sense')
    return person
  }

  #message(to: Place, target: string): { readonly chat_id: number; readonly message_id: number } {
    const chat = named(to)
    const number = messageNumber(chat, target)
    if (number === undefined) throw new AdapterError('not-found', 'There is no such message')
    return { chat_id: Number(chat), message_id: number }
  }

  /** Asked for where something was waited for: whoever stops a session does not wait. */
  get #isOver(): boolean {
    return this.#state === 'over'
  }

  get #online(): { readonly api: Api; readonly chats: Chats; readonly me: Person } {
    if (this.#state !== 'online') throw new AdapterError('transient', 'You are not logged in')
    return { api: this.#api!, chats: this.#chats!, me: this.#me! }
  }

  #emit(event: Event): void {
    if (this.#state === 'online') this.#context.emit(event)
  }

  #ended(error: AdapterError): void {
    if (this.#state !== 'online') return
    this.#state = 'over'
    this.#poll?.stop()
    this.#context.emit({ type: 'ended', error })
  }
}

function stopped(): AdapterError {
  return new AdapterError('transient', 'The session was stopped')
}

/** The chat that is meant: in a group, what is for one member cannot be said. @throws AdapterError */
function named({ peer, nick }: Place): string {
  if (nick !== undefined) throw new AdapterError('unsupported', 'Bots cannot speak to one member of a group')
  if (canonical(peer) === undefined) throw new AdapterError('not-found', 'That is no chat of Telegram')
  return peer
}
