import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { eventually } from '../../interop/eventually.ts'

export interface HomeserverOptions {
  readonly name: string
  readonly asToken: string
  readonly hsToken: string
  /** The port of the gateway, which is its application service. */
  readonly gateway: number
}

interface Room {
  readonly id: string
  readonly members: Set<string>
  readonly invited: Set<string>
  readonly said: { readonly sender: string; readonly text: string }[]
}

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
 * A small homeserver: users, rooms of two and what is said in them, as the Client-Server and the Application Service API have it.
 * Whoever is not registered, not invited or not in a room is refused, and so is what is not known.
 */
export class Homeserver {
  readonly #options: HomeserverOptions
  readonly #server: Server
  readonly #users = new Set<string>()
  readonly #rooms = new Map<string, Room>()
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
    await this.#tell(`users/${encodeURIComponent(to)}`, undefined)
    let room = this.#between(from, to)
    if (!room) {
      room = this.#open(from, [to])
      const content = { membership: 'invite', is_direct: true }
      await this.#happens(room, from, 'm.room.member', content, { state_key: to })
      if (!room.members.has(to)) throw new Error(`${to} has not come`)
    }
    await this.#happens(room, from, 'm.room.message', { msgtype: 'm.text', body: text })
  }

  /** Resolves when that was said to somebody. */
  async heard(from: string, to: string, text: string): Promise<void> {
    const came = () => this.#between(from, to)?.said.some(each => each.sender === from && each.text === text)
    await eventually(`${to} hears ${text}`, came, { seen: () => JSON.stringify([...this.#rooms.values()]) })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #between(one: string, two: string): Room | undefined {
    return [...this.#rooms.values()].find(({ members }) => members.size === 2 && members.has(one) && members.has(two))
  }

  #open(by: string, invited: readonly string[]): Room {
    const id = `!${++this.#count}:${this.#options.name}`
    const room = { id, members: new Set([by]), invited: new Set(invited), said: [] }
    this.#rooms.set(id, room)
    return room
  }

  /** A transaction with one event. */
  async #happens(room: Room, sender: string, type: string, content: object, more: object = {}): Promise<void> {
    const event = {
      type,
      room_id: room.id,
      sender,
      event_id: eventId(),
      origin_server_ts: Date.now(),
      content,
      ...more,
    }
    await this.#tell(`transactions/${++this.#count}`, { events: [event] })
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
    let status = 200
    let body: object
    try {
      if (request.headers.authorization !== `Bearer ${this.#options.asToken}`) throw new Refusal(401, 'M_UNKNOWN_TOKEN')
      const url = new URL(request.url ?? '/', this.url)
      const path = url.pathname.replace('/_matrix/client/v3/', '').split('/').map(decodeURIComponent)
      const as = url.searchParams.get('user_id') ?? `@xmpp:${this.#options.name}`
      body = this.#answer(`${request.method} ${path[0]}`, path.slice(1), as, JSON.parse(text || '{}'))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      status = error.status
      body = { errcode: error.code, error: error.message }
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  #answer(what: string, [first = '', second, third]: readonly string[], as: string, said: Readonly<Asked>): object {
    switch (what) {
      case 'GET account':
        return { user_id: as }
      case 'POST register':
        return this.#make(said.username ?? '')
      case 'PUT profile':
      case 'PUT presence':
        return this.#own(first, as)
      case 'GET profile':
        return { displayname: this.#known(first).slice(1).split(':')[0] }
      case 'GET presence':
        return { presence: this.#known(first) ? 'online' : 'offline' }
      case 'POST createRoom':
        return this.#create(as, said.invite ?? [])
      case 'POST join':
        return this.#join(this.#room(first), as)
      case 'GET rooms':
        if (second === 'joined_members') return this.#members(this.#room(first), as)
        break
      case 'PUT rooms':
        if (second === 'typing') return this.#members(this.#room(first), as)
        if (second === 'send' && third === 'm.room.message') return this.#send(this.#room(first), as, said.body ?? '')
    }
    throw new Refusal(404, 'M_UNRECOGNIZED')
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

  #join(room: Room, as: string): object {
    if (!room.invited.has(this.#known(as))) throw new Refusal(403, 'M_FORBIDDEN')
    room.members.add(as)
    return { room_id: room.id }
  }

  #members({ members }: Room, as: string): object {
    if (!members.has(as)) throw new Refusal(403, 'M_FORBIDDEN')
    return { joined: Object.fromEntries([...members].map(id => [id, {}])) }
  }

  #send(room: Room, as: string, text: string): object {
    this.#members(room, as)
    room.said.push({ sender: as, text })
    return { event_id: eventId() }
  }
}

interface Asked {
  readonly username?: string
  readonly invite?: readonly string[]
  readonly body?: string
}

const eventId = () => `$${randomBytes(8).toString('hex')}`
