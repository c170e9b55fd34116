import { createHash } from 'node:crypto'
import {
  type Ack,
  AdapterError,
  type By,
  type Context,
  type Event,
  type Listening,
  type Outgoing,
  type Place,
  type Presence,
  type Profile,
  type Session,
} from '@parley/adapter'
import { Api } from './api.ts'
import { clean, message } from './content.ts'
import { describe } from './describe.ts'
import { type Answer, HttpConnection, type Request } from './http.ts'
import { canonical, Ghosts, isRoom } from './ids.ts'
import { Incoming } from './incoming.ts'
import { fieldsOf, textOf } from './json.ts'
import { type Hall, Places } from './places.ts'
import type { MatrixSettings } from './settings.ts'
import { Sight } from './sight.ts'
import { Transactions } from './transactions.ts'
import { Users } from './users.ts'

const CONNECTIONS = 50
const TYPING = 10_000
const KNOWN = 5000

/** A homeserver, as one of its application services: all users of ours are users there, by other names. */
export class MatrixSession implements Session {
  readonly #context: Context<MatrixSettings>
  readonly #api: Api
  readonly #ghosts: Ghosts
  readonly #users: Users
  readonly #places: Places
  readonly #sight: Sight
  readonly #transactions: Transactions
  readonly #connections = new Set<HttpConnection>()
  readonly #opening = new Map<string, Promise<string>>()
  /** Our own reactions: by user, message and emoji, their ids. */
  readonly #reactions = new Map<string, Map<string, string>>()
  readonly #warned = new Set<string>()
  #listening: Listening | undefined
  #state: 'new' | 'online' | 'over' = 'new'

  constructor(context: Context<MatrixSettings>) {
    const { settings, domain, kv } = context
    this.#context = context
    this.#api = new Api(context)
    const users = settings.userDomain || domain.slice(domain.indexOf('.') + 1)
    this.#ghosts = new Ghosts(settings.prefix, settings.serverName, users)
    this.#users = new Users(this.#api, this.#ghosts)
    this.#places = new Places(kv)
    this.#sight = new Sight({
      ...{ api: this.#api, places: this.#places, log: context.log },
      emit: event => this.#emit(event),
    })
    const incoming = new Incoming({
      ghosts: this.#ghosts,
      places: this.#places,
      emit: event => this.#emit(event),
      invited: (room, user, peer) => this.#invited(room, user, peer),
      met: (user, peer) => this.#met(user, peer),
      changed: hall => this.#changed(hall),
      encrypted: (room, user) => this.#encrypted(room, user),
    })
    this.#transactions = new Transactions({
      kv,
      event: event => incoming.event(event),
      ephemeral: event => incoming.ephemeral(event),
    })
  }

  async start(): Promise<void> {
    const { settings, clock } = this.#context
    if (settings.hsToken === '') throw new AdapterError('credentials', 'The homeserver has no token to come with')
    await this.ping()
    await this.#places.load()
    await this.#transactions.load()
    if (this.#isOver) throw stopped()
    this.#state = 'online'
    const options = { clock, token: settings.hsToken, answer: (request: Request) => this.#answer(request) }
    this.#listening = await this.#context.listen({
      host: settings.listenHost,
      port: settings.listenPort,
      transport: 'tcp',
      connected: connection => {
        if (this.#state !== 'online' || this.#connections.size >= CONNECTIONS) {
          connection.destroy()
          return
        }
        const http: HttpConnection = new HttpConnection(connection, options, () => this.#connections.delete(http))
        this.#connections.add(http)
      },
    })
    if (this.#isOver) {
      await this.#listening.close()
      throw stopped()
    }
    this.#emit({ type: 'state', state: 'online', detail: `listening on port ${this.#listening.port}` })
  }

  async stop(): Promise<void> {
    this.#state = 'over'
    for (const connection of [...this.#connections]) connection.end()
    await this.#listening?.close()
  }

  /** Whether the homeserver is there and knows the gateway. */
  async ping(): Promise<void> {
    await this.#api.call('GET', ['account', 'whoami'])
  }

  async send({ key, user, to, text, replyTo }: Outgoing): Promise<Ack> {
    const ghost = await this.#ghost(user)
    const room = await this.#room(ghost, user!, to)
    const id = await this.#put(room, 'm.room.message', key, message(text, replyTo), ghost)
    if (isRoom(to.peer)) this.#echo(user!, to.peer, ghost, id, text)
    return { id, level: 'sent' }
  }

  async typing(to: Place, state: 'composing' | 'paused' | 'gone', { user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    const room = this.#known(user!, to)
    // Nobody opens a room to say that they are writing.
    if (room === undefined) return
    const typing = state === 'composing' ? { typing: true, timeout: TYPING } : { typing: false }
    await this.#api.call('PUT', ['rooms', room, 'typing', ghost], typing, ghost)
  }

  async read(to: Place, ids: readonly string[], { user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    const room = this.#known(user!, to)
    const last = ids.at(-1)
    if (room !== undefined && last !== undefined)
      await this.#api.call('POST', ['rooms', room, 'receipt', 'm.read', last], {}, ghost)
  }

  async edit(to: Place, target: string, text: string, { key, user }: By): Promise<Ack> {
    const ghost = await this.#ghost(user)
    const content = { ...message(`* ${text}`), 'm.new_content': message(text) }
    const relation = { 'm.relates_to': { rel_type: 'm.replace', event_id: target } }
    const id = await this.#put(this.#there(user!, to), 'm.room.message', key, { ...content, ...relation }, ghost)
    return { id, level: 'sent' }
  }

  async retract(to: Place, target: string, { key, user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    await this.#api.call('PUT', ['rooms', this.#there(user!, to), 'redact', target, transaction(key)], {}, ghost)
  }

  /** Each emoji is an event of its own there: what is new is sent, what is gone is taken back. */
  async react(to: Place, target: string, emojis: readonly string[], { key, user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    const room = this.#there(user!, to)
    const name = `${user} ${target}`
    const has = this.#reactions.get(name) ?? new Map<string, string>()
    this.#reactions.set(name, has)
    if (this.#reactions.size > KNOWN) this.#reactions.delete(this.#reactions.keys().next().value!)
    for (const [emoji, id] of [...has]) {
      if (emojis.includes(emoji)) continue
      await this.#api.call('PUT', ['rooms', room, 'redact', id, transaction(`${key} ${emoji}`)], {}, ghost)
      has.delete(emoji)
    }
    for (const emoji of emojis.slice(0, 20)) {
      if (has.has(emoji)) continue
      const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: emoji } }
      has.set(emoji, await this.#put(room, 'm.reaction', `${key} ${emoji}`, content, ghost))
    }
  }

  async setPresence(presence: Presence, { user }: By): Promise<void> {
    await this.#sight.shows(user!, await this.#ghost(user), presence)
  }

  /** Whom the user wants to see: if there is somebody of that name. Presence is for those who have a room with them. */
  async addContact(id: string, _details: object, { user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    await this.#api.call('GET', ['profile', named(id)])
    await this.#sight.meets(user!, ghost, id)
  }

  async joinRoom(id: string, _nick: string, _password: string | undefined, { user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    if (!isRoom(named(id))) throw new AdapterError('not-found', 'That is no room')
    const room = textOf((await this.#api.call('POST', ['join', id], {}, ghost))['room_id'])
    if (room === undefined) throw new AdapterError('protocol', 'The homeserver makes no sense')
    if (!(await this.#places.enter(room, id, user!)))
      throw new AdapterError('limited', 'The gateway is in too many rooms', 60_000)
    this.#emit({ type: 'room', user: user!, room: { id, nick: ghost, ...(await describe(this.#api, room, ghost)) } })
  }

  async #changed({ room, alias: id, users }: Hall): Promise<void> {
    const described = await describe(this.#api, room, this.#ghosts.idOf(users[0]!))
    for (const user of users)
      this.#emit({ type: 'room', user, room: { id, nick: this.#ghosts.idOf(user), ...described } })
  }

  async leaveRoom(id: string, { user }: By): Promise<void> {
    const hall = this.#places.hallNamed(id)
    if (!hall?.users.includes(user ?? '')) return
    await this.#api.call('POST', ['rooms', hall.room, 'leave'], {}, await this.#ghost(user))
    await this.#places.leave(hall.room, user!)
    this.#emit({ type: 'room-left', user: user!, id })
  }

  async setTopic(id: string, topic: string, { user }: By): Promise<void> {
    const ghost = await this.#ghost(user)
    await this.#api.call('PUT', ['rooms', this.#there(user!, { peer: id }), 'state', 'm.room.topic'], { topic }, ghost)
  }

  async profile(id: string): Promise<Profile> {
    const found = await this.#api.call('GET', ['profile', named(id)])
    const name = clean(textOf(found['displayname']) ?? '').slice(0, 200)
    return { id, ...(name && { name }) }
  }

  /** The user there, made where there is none. */
  async #ghost(user: string | undefined): Promise<string> {
    if (this.#state !== 'online') throw new AdapterError('transient', 'The gateway is not online')
    if (user === undefined) throw new AdapterError('unsupported', 'Nobody does this')
    return await this.#users.ghost(user)
  }

  /** The room in which something is said, opened where there is none. */
  async #room(ghost: string, user: string, to: Place): Promise<string> {
    const known = this.#known(user, to)
    if (known !== undefined) return known
    if (isRoom(to.peer)) throw new AdapterError('denied', 'You are not in this room')
    const name = `${user} ${to.peer}`
    const opening = this.#opening.get(name) ?? this.#open(ghost, user, named(to.peer))
    this.#opening.set(name, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(name)
    }
  }

  async #open(ghost: string, user: string, peer: string): Promise<string> {
    await this.#api.call('GET', ['profile', peer])
    const options = { is_direct: true, invite: [peer], preset: 'trusted_private_chat' }
    const room = textOf((await this.#api.call('POST', ['createRoom'], options, ghost))['room_id'])
    if (room === undefined) throw new AdapterError('protocol', 'The homeserver makes no sense')
    await this.#places.addDirect({ room, user, peer }, this.#context.clock.now())
    return room
  }

  #known(user: string, { peer, nick }: Place): string | undefined {
    if (isRoom(peer) && nick === undefined) {
      const hall = this.#places.hallNamed(peer)
      return hall?.users.includes(user) ? hall.room : undefined
    }
    return this.#places.between(user, nick ?? peer)?.room
  }

  #there(user: string, to: Place): string {
    const room = this.#known(user, to)
    if (room === undefined) throw new AdapterError('not-found', 'There is no such conversation')
    return room
  }

  /** The same key is the same event: the homeserver knows it again. */
  async #put(room: string, type: string, key: string, content: object, ghost: string): Promise<string> {
    const path = ['rooms', room, 'send', type, transaction(key)]
    const id = textOf((await this.#api.call('PUT', path, content as Record<string, unknown>, ghost))['event_id'])
    if (id === undefined) throw new AdapterError('protocol', 'The homeserver makes no sense')
    return id
  }

  /** A room shows what was said when it comes back; the others of ours hear it too. */
  #echo(user: string, alias: string, ghost: string, id: string, text: string): void {
    for (const each of this.#places.hallNamed(alias)?.users ?? []) {
      const origin = each === user ? 'self-echo' : 'remote'
      this.#emit({ type: 'message', user: each, peer: alias, nick: ghost, id, text, origin })
    }
  }

  async #invited(room: string, user: string, peer: string): Promise<void> {
    const ghost = await this.#ghost(user)
    await this.#api.call('POST', ['join', room], {}, ghost)
    const members = await this.#api.call('GET', ['rooms', room, 'joined_members'], undefined, ghost)
    const ids = Object.keys(fieldsOf(members['joined']) ?? {})
    // More than two are a room, which users enter by its name.
    if (ids.length > 2) {
      await this.#api.call('POST', ['rooms', room, 'leave'], {}, ghost)
      this.#emit({ type: 'notice', user, text: `${peer} invites you to a room of ${ids.length}: enter it by its name` })
      return
    }
    await this.#places.addDirect({ room, user, peer }, this.#context.clock.now())
    await this.#sight.meets(user, ghost, peer)
  }

  async #met(user: string, peer: string): Promise<void> {
    await this.#sight.meets(user, await this.#ghost(user), peer)
  }

  /** Told once to both, and never in answer to anything but such a message. */
  async #encrypted(room: string, user: string): Promise<void> {
    if (this.#warned.has(room)) return
    if (this.#warned.size >= KNOWN) this.#warned.clear()
    this.#warned.add(room)
    const peer = this.#places.direct(room)?.peer
    this.#emit({
      type: 'notice',
      user,
      text: `${peer} writes in a room that is encrypted, which this gateway cannot read`,
    })
    const content = { msgtype: 'm.notice', body: 'This room is encrypted, which the gateway cannot read.' }
    await this.#put(room, 'm.room.message', `encrypted ${room}`, content, await this.#ghost(user))
  }

  async #answer({ method, path, body }: Request): Promise<Answer> {
    const [matrix, app, version, what, name = ''] = path
    if (matrix === '_matrix' && app === 'app' && version === 'v1') {
      if (method === 'PUT' && what === 'transactions') return await this.#transactions.take(name, body)
      if (method === 'POST' && what === 'ping') return OK
      if (method === 'GET' && what === 'users') {
        const user = this.#ghosts.userOf(name)
        if (user === undefined) return NOT_FOUND
        await this.#ghost(user)
        return OK
      }
    }
    return NOT_FOUND
  }

  /** Asked for where something was waited for: whoever stops a session does not wait. */
  get #isOver(): boolean {
    return this.#state === 'over'
  }

  #emit(event: Event): void {
    if (this.#state === 'online') this.#context.emit(event)
  }
}

const OK: Answer = { status: 200, body: {} }
const NOT_FOUND: Answer = { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'There is none' } }

function stopped(): AdapterError {
  return new AdapterError('transient', 'The session was stopped')
}

function transaction(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32)
}

/** @throws AdapterError */
function named(id: string): string {
  if (canonical(id) === undefined) throw new AdapterError('not-found', 'That is no address of Matrix')
  return id
}
