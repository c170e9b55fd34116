import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { eventually } from '../../interop/eventually.ts'
import type { Break } from '../kit/index.ts'

export interface HomeserverOptions {
  readonly name: string
  readonly asToken: string
  readonly hsToken: string
  /** The port of the gateway, which is its application service. */
  readonly gateway: number
}

interface Room {
  readonly id: string
  /** Whoever knows it may come. */
  readonly alias?: string
  topic?: string
  readonly members: Set<string>
  readonly invited: Set<string>
  readonly said: { readonly sender: string; readonly text: string }[]
}

/** Something that is seen in a room: an event, or what does not last (`m.typing`, `m.receipt`, `m.presence`). */
export interface Seen {
  readonly type: string
  readonly sender?: string
  readonly event_id?: string
  readonly redacts?: string
  readonly content: Readonly<Record<string, unknown>>
}
type Hears = (seen: Seen, alias: string | undefined) => void

class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

/**
 * A small homeserver: users, rooms of two and what is said in them, as the Client-Server and the Application Service API have it;
 * typing, receipts, presence, and rooms that have a name. Whoever is not registered, not invited or not in a room is refused, and so is what is not known.
 */
export class Homeserver {
  readonly #options: HomeserverOptions
  readonly #server: Server
  readonly #users = new Set<string>()
  readonly #rooms = new Map<string, Room>()
  readonly #hearing = new Map<string, Hears>()
  readonly #presence = new Map<string, Readonly<Record<string, unknown>>>()
  readonly #typing = new Map<string, Set<string>>()
  /** What was sent in an attempt of that name. */
  readonly #attempts = new Map<string, object>()
  /** When the connections of the next messages (out) and transactions (in) break: before they are taken, or after it and before the answer. */
  readonly breaks = { out: [] as Break[], in: [] as Break[] }
  #turn = Promise.resolve()
  #closed = false
  #count = 0

  private constructor(options: HomeserverOptions, server: Server) {
    this.#options = options
    this.#server = server
    server.on('request', (request, response) => void this.#serve(request, response))
  }

  static async open(options: HomeserverOptions): Promise<Homeserver> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Homeserver(options, server)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Somebody with an account here, who is online. Gives the id. */
  register(username: string): string {
    const id = `@${username}:${this.#options.name}`
    this.#users.add(id)
    return id
  }

  /** Somebody says something to somebody else, in a room of the two, which is made where there is none. */
  async says(from: string, to: string, text: string): Promise<void> {
    const room = await this.meets(from, to)
    this.does(room, from, 'm.room.message', { msgtype: 'm.text', body: text })
    await this.#turn
  }

  /** The room of that name; or of two, which is made where there is none. */
  async meets(from: string, to: string): Promise<string> {
    if (to.startsWith('#')) return this.#named(to) ?? ''
    const known = this.#between(from, to)
    if (known) return known.id
    await this.#tell(`users/${encodeURIComponent(to)}`, undefined)
    const room = this.#open(from, [to])
    this.does(room.id, from, 'm.room.member', { membership: 'invite', is_direct: true }, { state_key: to })
    await this.#turn
    if (!room.members.has(to)) throw new Error(`${to} has not come`)
    return room.id
  }

  /** Tells somebody of this homeserver what is seen where they are. */
  watch(id: string, hears: Hears): void {
    this.#hearing.set(id, hears)
  }

  /** An event, by somebody who is there. Gives its id. */
  does(id: string, sender: string, type: string, content: Seen['content'], more: object = {}): string {
    const room = this.#room(id)
    this.#members(room, sender)
    const event = { type, room_id: id, sender, event_id: eventId(), origin_server_ts: Date.now(), content, ...more }
    if (JSON.stringify(event).length > 65_536) throw new Refusal(413, 'M_TOO_LARGE')
    this.#shows(room, event)
    if ([...room.members, ...room.invited].some(each => this.#isGhost(each))) this.#hand({ events: [event] })
    return event.event_id
  }

  /** Comes into a room that has a name, and makes it where there is none. */
  enters(alias: string, who: string): string {
    const room = this.#rooms.get(this.#named(alias) ?? '') ?? this.#open(who, [], alias)
    room.members.add(who)
    this.does(room.id, who, 'm.room.member', { membership: 'join' }, { state_key: who })
    return room.id
  }

  leaves(id: string, who: string): void {
    this.does(id, who, 'm.room.member', { membership: 'leave' }, { state_key: who })
    const room = this.#room(id)
    room.members.delete(who)
    room.invited.delete(who)
  }

  types(id: string, who: string, on: boolean): void {
    const typing = this.#typing.get(id) ?? new Set<string>()
    this.#typing.set(id, typing)
    if (on) typing.add(who)
    else typing.delete(who)
    this.#passes(this.#room(id), { type: 'm.typing', content: { user_ids: [...typing] } })
  }

  reads(id: string, who: string, event: string): void {
    const content = { [event]: { 'm.read': { [who]: { ts: Date.now() } } } }
    this.#passes(this.#room(id), { type: 'm.receipt', content })
  }

  /** To whoever is in a room with them. */
  isThere(who: string, content: Seen['content']): void {
    this.#presence.set(who, content)
    const seen = { type: 'm.presence', sender: who, content }
    const rooms = [...this.#rooms.values()].filter(({ members }) => members.has(who))
    for (const id of new Set(rooms.flatMap(({ members }) => [...members])))
      if (id !== who) this.#hearing.get(id)?.(seen, undefined)
    if (rooms.some(({ members }) => [...members].some(id => this.#isGhost(id)))) this.#hand({ ephemeral: [seen] })
  }

  /** Resolves when that was said to somebody. */
  async heard(from: string, to: string, text: string): Promise<void> {
    const came = () => this.#between(from, to)?.said.some(each => each.sender === from && each.text === text)
    await eventually(`${to} hears ${text}`, came, { seen: () => JSON.stringify([...this.#rooms.values()]) })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #between(one: string, two: string): Room | undefined {
    const rooms = [...this.#rooms.values()].filter(({ alias }) => alias === undefined)
    return rooms.find(({ members }) => members.size === 2 && members.has(one) && members.has(two))
  }

  #open(by: string, invited: readonly string[], alias?: string): Room {
    const id = `!${++this.#count}:${this.#options.name}`
    const room = { id, members: new Set([by]), invited: new Set(invited), said: [], ...(alias && { alias }) }
    this.#rooms.set(id, room)
    return room
  }

  #isGhost(id: string): boolean {
    return id.startsWith('@xmpp_')
  }

  #named(alias: string): string | undefined {
    return [...this.#rooms.values()].find(room => room.alias === alias)?.id
  }

  #passes(room: Room, seen: Seen): void {
    this.#shows(room, seen)
    if ([...room.members].some(id => this.#isGhost(id))) this.#hand({ ephemeral: [{ ...seen, room_id: room.id }] })
  }

  #shows({ members, alias }: Room, seen: Seen): void {
    for (const id of members) this.#hearing.get(id)?.(seen, alias)
  }

  /** A transaction: one after another, each until it is taken. */
  #hand(body: object): void {
    const id = ++this.#count
    this.#turn = this.#turn.then(async () => {
      while (!this.#closed) {
        const broken = this.breaks.in.shift()
        const taken = await (broken === 'before' ? this.#breaksOff(id) : this.#tell(`transactions/${id}`, body)).then(
          () => true,
          () => false,
        )
        // Where the answer is lost it is as if there had been none.
        if (taken && !broken) return
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    })
  }

  /** A transaction of which the beginning arrives. */
  async #breaksOff(id: number): Promise<void> {
    const socket = connect(this.#options.gateway, '127.0.0.1').on('error', () => {})
    const head = `PUT /_matrix/app/v1/transactions/${id} HTTP/1.1\r\nAuthorization: Bearer ${this.#options.hsToken}`
    socket.resume().end(`${head}\r\nContent-Length: 1000\r\n\r\n{"events":[`, () => socket.destroy())
    await new Promise(resolve => socket.once('close', resolve))
  }

  async #tell(path: string, body: object | undefined): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#options.gateway}/_matrix/app/v1/${path}`, {
      method: body ? 'PUT' : 'GET',
      headers: { authorization: `Bearer ${this.#options.hsToken}` },
      ...(body && { body: JSON.stringify(body) }),
    })
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`${path}: the gateway answers ${response.status}`)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const broken = request.url?.includes('/send/') ? this.breaks.out.shift() : undefined
    if (broken === 'before') {
      request.socket.destroy()
      return
    }
    let status = 200
    let body: object
    try {
      if (request.headers.authorization !== `Bearer ${this.#options.asToken}`) throw new Refusal(401, 'M_UNKNOWN_TOKEN')
      const url = new URL(request.url ?? '/', this.url)
      const path = url.pathname.replace('/_matrix/client/v3/', '').split('/').map(decodeURIComponent)
      const as = url.searchParams.get('user_id') ?? `@xmpp:${this.#options.name}`
      body = this.#answer(`${request.method} ${path[0]}`, path.slice(1), as, JSON.parse(text || '{}') as Asked)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      status = error.status
      body = { errcode: error.code, error: error.message }
    }
    if (broken) request.socket.destroy()
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  #answer(what: string, [first = '', second, third, fourth]: readonly string[], as: string, said: Asked): object {
    switch (what) {
      case 'GET account':
        return { user_id: as }
      case 'POST register':
        return this.#make(said.username ?? '')
      case 'PUT profile':
        return this.#own(first, as)
      case 'PUT presence':
        this.#own(first, as)
        this.isThere(first, said)
        return {}
      case 'GET profile':
        return { displayname: this.#known(first).slice(1).split(':')[0] }
      case 'GET presence':
        return this.#shown(this.#known(first), as)
      case 'POST createRoom':
        return this.#create(as, said.invite ?? [])
      case 'POST join':
        return this.#join(first, as)
      default:
        if (!what.endsWith(' rooms')) break
        return this.#inRoom(`${what.split(' ')[0]} ${second}`, this.#room(first), as, said, [third, fourth])
    }
    throw new Refusal(404, 'M_UNRECOGNIZED')
  }

  #inRoom(
    what: string,
    room: Room,
    as: string,
    said: Asked,
    [first = '', second = '']: readonly (string | undefined)[],
  ): object {
    const members = this.#members(room, as)
    switch (what) {
      case 'GET joined_members':
        return members
      case 'PUT typing':
        this.types(room.id, this.#mine(first, as), said.typing === true)
        return {}
      case 'POST receipt':
        this.reads(room.id, as, second)
        return {}
      case 'POST leave':
        this.leaves(room.id, as)
        return {}
      case 'GET state':
        if (room.topic === undefined) throw new Refusal(404, 'M_NOT_FOUND')
        return { topic: room.topic }
      case 'PUT state':
        room.topic = said.topic ?? ''
        return { event_id: this.does(room.id, as, first, said, { state_key: '' }) }
      case 'PUT send':
        if (first === 'm.room.message') room.said.push({ sender: as, text: said.body ?? '' })
        return this.#once(`${as} ${second}`, () => this.does(room.id, as, first, said))
      case 'PUT redact':
        return this.#once(`${as} ${second}`, () => this.does(room.id, as, 'm.room.redaction', {}, { redacts: first }))
    }
    throw new Refusal(404, 'M_UNRECOGNIZED')
  }

  #once(attempt: string, run: () => string): object {
    const done = this.#attempts.get(attempt) ?? { event_id: run() }
    this.#attempts.set(attempt, done)
    return done
  }

  #mine(id: string, as: string): string {
    this.#own(id, as)
    return id
  }

  #make(username: string): object {
    if (this.#users.has(`@${username}:${this.#options.name}`)) throw new Refusal(400, 'M_USER_IN_USE')
    return { user_id: this.register(username) }
  }

  #known(id: string): string {
    if (!this.#users.has(id)) throw new Refusal(404, 'M_NOT_FOUND')
    return id
  }

  #own(id: string, as: string): object {
    if (this.#known(id) !== as) throw new Refusal(403, 'M_FORBIDDEN')
    return {}
  }

  #room(id: string): Room {
    const room = this.#rooms.get(id)
    if (!room) throw new Refusal(404, 'M_NOT_FOUND')
    return room
  }

  /** Who lives here and is invited comes. */
  #create(as: string, invited: readonly string[]): object {
    const room = this.#open(this.#known(as), invited)
    for (const id of invited) room.members.add(this.#known(id))
    return { room_id: room.id }
  }

  /** As Synapse does: nobody is shown to those who have no room with them. */
  #shown(who: string, as: string): object {
    if (![...this.#rooms.values()].some(({ members }) => members.has(who) && members.has(as)))
      throw new Refusal(403, 'M_FORBIDDEN')
    return this.#presence.get(who) ?? { presence: 'online' }
  }

  #join(name: string, as: string): object {
    const room = this.#room(this.#named(name) ?? name)
    if (!room.invited.has(this.#known(as)) && room.alias === undefined) throw new Refusal(403, 'M_FORBIDDEN')
    room.members.add(as)
    this.does(room.id, as, 'm.room.member', { membership: 'join' }, { state_key: as })
    // Who comes is seen as they are.
    const presence = this.#presence.get(as)
    if (presence) this.isThere(as, presence)
    return { room_id: room.id }
  }

  #members({ members }: Room, as: string): object {
    if (!members.has(as)) throw new Refusal(403, 'M_FORBIDDEN')
    return { joined: Object.fromEntries([...members].map(id => [id, {}])) }
  }
}

interface Asked extends Readonly<Record<string, unknown>> {
  readonly username?: string
  readonly typing?: boolean
  readonly topic?: string
  readonly invite?: readonly string[]
  readonly body?: string
}

const eventId = () => `$${randomBytes(8).toString('hex')}`
