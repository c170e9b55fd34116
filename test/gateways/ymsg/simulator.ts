import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Manner, Mouth } from '../public-im/mouth.ts'
import { expected } from './digests.ts'
import { type Heard, type Pairs, packet, packets } from './wire.ts'

/** One challenge for each of the five orders, and one more for the remainders 5 to 7. */
const SEEDS = [...'hijklmno'].map((last, n) => `k7.Qe_9x${n}bVt2Ya${last}.z0Kw8_--`)
const GONE = 0xffffffff

interface User {
  readonly name: string
  readonly password: string
  readonly groups: Map<string, string[]>
  readonly ignored: Set<string>
  readonly waiting: Pairs[]
  readonly requests: Pairs[]
  state: Pairs
  line: Line | undefined
}

interface Line {
  readonly mouth: Mouth
  readonly session: number
  user: User | undefined
  seed: string
}

/** A server of Yahoo! Messenger for tests: users who see each other, list, messages, offline messages. */
export class YahooServer {
  readonly #server: Server
  #manner: Manner
  readonly #users = new Map<string, User>()
  readonly #sockets = new Set<Socket>()
  /** Every packet that any user has sent. */
  readonly heard: (Heard & { readonly from: string | undefined })[] = []
  /** Of each connection, in order. */
  readonly mouths: Mouth[] = []
  #logins = 0
  locked = ''

  private constructor(server: Server, manner: Manner) {
    this.#server = server
    this.#manner = manner
  }

  static async open(manner: Manner = 'plain'): Promise<YahooServer> {
    const server = createServer()
    const yahoo = new YahooServer(server, manner)
    server.on('connection', socket => yahoo.#met(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return yahoo
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** @param friends groups and who is in them */
  add(name: string, password: string, friends: Readonly<Record<string, string[]>> = {}, ignored: string[] = []): void {
    const groups = new Map(Object.entries(friends))
    const user = { name, password, groups, ignored: new Set(ignored), waiting: [], requests: [], line: undefined }
    this.#users.set(name, { ...user, state: [[10, '0']] })
  }

  groupsOf(name: string): Record<string, string[]> {
    return Object.fromEntries(this.#user(name).groups)
  }

  /** A packet that nobody has asked for. */
  says(to: string, service: number, pairs: Pairs, status = 1): void {
    const line = this.#user(to).line
    if (line) this.#say(line, service, pairs, status)
  }

  /** The connections break; or one. */
  cut(of?: string): void {
    if (of === undefined) for (const socket of this.#sockets) socket.destroy()
    else this.#user(of).line?.mouth.cut()
  }

  mouthOf(name: string): Mouth | undefined {
    return this.#user(name).line?.mouth
  }

  slow(): void {
    this.#manner = 'bytes'
  }

  /** They have each other in their lists. */
  befriend(name: string, others: readonly string[]): void {
    const user = this.#user(name)
    user.groups.set('Friends', [...(user.groups.get('Friends') ?? []), ...others])
    for (const other of others) {
      const groups = this.#users.get(other)?.groups
      groups?.set('Friends', [...(groups.get('Friends') ?? []), name])
    }
  }

  #met(socket: Socket): void {
    this.#sockets.add(socket)
    const line: Line = {
      mouth: new Mouth(socket, this.#manner),
      session: 0x1000 + ++this.#logins,
      user: undefined,
      seed: '',
    }
    this.mouths.push(line.mouth)
    const bytes = { rest: '' }
    socket.on('data', chunk => {
      for (const heard of packets(bytes, chunk)) {
        this.heard.push({ ...heard, from: line.user?.name })
        this.#answer(line, heard)
      }
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#left(line)
    })
  }

  #say(line: Line, service: number, pairs: Pairs, status = 1) {
    if (this.#manner === 'plain') return line.mouth.say(packet(service, status, line.session, pairs))
    // The odd one: pings, services and keys that nobody knows, and a last mark left out.
    line.mouth.say(
      packet(0x12, 1, line.session, [
        [143, '60'],
        [144, '13'],
      ]),
    )
    line.mouth.say(
      packet(0xee, 1, line.session, [
        [9999, 'what'],
        [7, 'nobody'],
        [14, ''],
      ]),
    )
    line.mouth.say(packet(service, status, line.session, [...pairs, [5005, '']], true))
  }

  #answer(line: Line, heard: Heard) {
    const get = (key: number) => heard.pairs.find(([k]) => k === String(key))?.[1] ?? ''
    const me = line.user
    switch (heard.service) {
      case 0x4c:
        return this.#say(line, 0x4c, [])
      case 0x57:
        line.seed = SEEDS[this.#logins % SEEDS.length] as string
        return this.#say(line, 0x57, [
          [1, get(1)],
          [94, line.seed],
          [13, '0'],
        ])
      case 0x54:
        return this.#login(line, get(0), get(6), get(96), heard.status)
      case 0x12:
        return this.#say(line, 0x12, [
          [143, '60'],
          [144, '13'],
        ])
    }
    if (!me) throw new Error('Something was said before the login')
    const other = this.#users.get(get(5) || get(7) || get(3))
    switch (heard.service) {
      case 0x02:
        return this.#left(line)
      case 0x03:
      case 0x04:
        return this.#changed(me, heard)
      case 0x06:
        return this.#message(me, other, heard)
      case 0x4b: {
        const pairs: Pairs = [
          [4, me.name],
          [5, get(5)],
          [13, get(13)],
          [14, get(14)],
          [49, get(49)],
        ]
        if (other?.line) this.#say(other.line, 0x4b, pairs, heard.status)
        return
      }
      case 0x83:
        return this.#befriend(line, me, other, get(7), get(65), get(14))
      case 0x84: {
        const group = me.groups.get(get(65))
        const at = group?.indexOf(get(7)) ?? -1
        if (at >= 0) group?.splice(at, 1)
        return this.#say(line, 0x84, [
          [1, me.name],
          [66, at >= 0 ? '0' : '3'],
          [7, get(7)],
          [65, get(65)],
        ])
      }
      case 0x85: {
        const listed = [...me.groups.values()].some(names => names.includes(get(7)))
        if (!listed) me.ignored[get(13) === '1' ? 'add' : 'delete'](get(7))
        return this.#say(line, 0x85, [
          [0, get(7)],
          [1, me.name],
          [13, get(13)],
          [66, listed ? '12' : '0'],
        ])
      }
      case 0x86:
        if (other?.line)
          this.#say(
            other.line,
            0x0f,
            [
              [1, other.name],
              [3, me.name],
              [14, get(14)],
            ],
            7,
          )
    }
  }

  #login(line: Line, name: string, six: string, ninetySix: string, status: number) {
    const user = this.#users.get(name)
    const refuse = (code: string) => {
      this.#say(
        line,
        0x54,
        [
          [1, name],
          [66, code],
        ],
        GONE,
      )
      line.mouth.close()
    }
    if (!user) return refuse('3')
    if (this.locked === name) return refuse('14')
    const [a, b] = expected(name, user.password, line.seed)
    if (a !== six || b !== ninetySix) return refuse('13')
    if (user.line) {
      this.#say(user.line, 0x02, [], GONE)
      user.line.mouth.close()
    }
    user.line = line
    user.state = [[10, String(status)]]
    line.user = user
    const list = [...user.groups].map(([group, names]) => `${group}:${names.join(',')}\n`).join('')
    const half = Math.ceil(list.length / 2)
    this.#say(line, 0x55, [[87, list.slice(0, half)]], 5)
    const rest: Pairs = [
      [88, [...user.ignored].join(',')],
      [89, name],
      [59, 'Y\tv=1&n=0'],
      [59, 'T\tz=0'],
      [59, 'C\tmg=1'],
    ]
    const tail: Pairs = [
      [3, name],
      [90, '1'],
      [100, '0'],
      [101, ''],
      [102, ''],
      [93, '86400'],
    ]
    this.#say(line, 0x55, [[87, list.slice(half)], ...rest, ...tail], 0)
    const online = [...user.groups.values()].flat().flatMap(friend => {
      const other = this.#users.get(friend)
      return other && this.#visible(other) ? [other] : []
    })
    const friends = online.flatMap(other => this.#present(other))
    this.#say(line, 0x01, [[0, name], [1, name], [8, String(online.length)], ...friends])
    if (user.waiting.length) this.#say(line, 0x06, user.waiting.splice(0).flat(), 5)
    for (const request of user.requests.splice(0)) this.#say(line, 0x0f, request, 3)
    if (this.#visible(user)) this.#spread(user, 0x01, this.#present(user))
  }

  #visible(user: User): boolean {
    return user.line !== undefined && user.state[0]?.[1] !== '12'
  }

  #present(user: User): Pairs {
    return [[7, user.name], ...user.state, [11, '1A2B3C4D'], [17, '0'], [13, '1']]
  }

  #spread(user: User, service: number, pairs: Pairs): void {
    for (const other of this.#users.values())
      if (other !== user && other.line && [...other.groups.values()].flat().includes(user.name))
        this.#say(other.line, service, pairs)
  }

  #left(line: Line): void {
    const user = line.user
    if (!user || user.line !== line) return
    user.line = undefined
    this.#spread(user, 0x02, [
      [7, user.name],
      [10, '0'],
      [11, '1A2B3C4D'],
      [17, '0'],
      [13, '0'],
    ])
  }

  #changed(user: User, heard: Heard): void {
    const was = this.#visible(user)
    user.state = heard.pairs.map(([key, value]) => [Number(key), value])
    if (this.#visible(user)) this.#spread(user, was ? heard.service : 0x01, this.#present(user))
    else
      this.#spread(user, 0x02, [
        [7, user.name],
        [10, '0'],
        [13, '0'],
      ])
  }

  #message(from: User, to: User | undefined, heard: Heard) {
    if (!to || to.ignored.has(from.name)) return
    const text = heard.pairs.find(([key]) => key === '14')?.[1] ?? ''
    if (to.line)
      return this.#say(to.line, 0x06, [
        [5, to.name],
        [4, from.name],
        [14, text],
        [97, '1'],
        [63, ';0'],
        [64, '0'],
      ])
    const pairs: Pairs = [
      [31, '6'],
      [32, '6'],
      [5, to.name],
      [4, from.name],
      [15, '1163800000'],
      [14, text],
      [97, '1'],
    ]
    to.waiting.push(pairs)
  }

  #befriend(line: Line, me: User, other: User | undefined, name: string, group: string, text: string) {
    const done = (code: string) =>
      this.#say(line, 0x83, [
        [1, me.name],
        [66, code],
        [7, name],
        [65, group],
      ])
    if (!other) return done('3')
    const names = me.groups.get(group) ?? []
    const known = [...me.groups.values()].flat().includes(name)
    if (names.includes(name)) return done('2')
    me.groups.set(group, [...names, name])
    done('0')
    if (known) return
    const request: Pairs = [
      [1, other.name],
      [3, me.name],
      [14, text],
    ]
    if (other.line) this.#say(other.line, 0x0f, request, 3)
    else other.requests.push(request)
    if (this.#visible(other)) this.#say(line, 0x01, this.#present(other))
  }

  #user(name: string): User {
    const user = this.#users.get(name)
    if (!user) throw new Error(`There is no ${name}`)
    return user
  }
}
