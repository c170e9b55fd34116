import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Manner, Mouth } from '../public-im/mouth.ts'
import { Passport } from './passport.ts'
import { Switchboards } from './switchboards.ts'
import { type Line, line, lines, lineWith } from './wire.ts'

/** A challenge whose answer is known. */
const CHALLENGE = '22210219642164014968'
const ANSWER = '85ecb0db8f32113df79ce0892b9a102c'

interface User {
  readonly address: string
  readonly password: string
  readonly name: string
  /** Address → GUID, name and groups. */
  readonly forward: Map<string, { guid: string; name: string; groups: Set<string> }>
  readonly allow: Set<string>
  readonly block: Set<string>
  readonly groups: Map<string, string>
  status: string
  text: string
  line: Mouth | undefined
  /** Has had a status since it came. */
  shown: boolean
}

const guid = (text: string) =>
  createHash('md5')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

const wire = (text: string) => encodeURIComponent(text).replaceAll("'", '%27')

/** Servers of Messenger for tests: dispatch, notification, switchboards and the sign-in. */
export class MessengerServers {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #users = new Map<string, User>()
  #manner: Manner
  readonly switchboards: Switchboards
  passport!: Passport
  /** Every line that a user has said to the notification server. */
  readonly heard: { readonly from: string; readonly line: Line }[] = []
  /** Of each connection with the notification server, in order. */
  readonly mouths: Mouth[] = []
  /** Answers to challenges that were right. */
  proven = 0

  private constructor(manner: Manner) {
    this.#manner = manner
    this.switchboards = new Switchboards(manner, (from, to, room, key) => {
      const user = this.#users.get(to)
      if (!user?.line || user.status === 'HDN' || user.block.has(from)) return false
      user.line.say(line('RNG', room, `127.0.0.1:${this.ports.switchboard}`, 'CKI', key, from, 'name'))
      return true
    })
  }

  static async open(manner: Manner = 'plain'): Promise<MessengerServers> {
    const all = new MessengerServers(manner)
    all.passport = await Passport.open(address => all.#users.get(address)?.password)
    for (const met of [
      (socket: Socket) => all.#dispatch(socket),
      (socket: Socket) => all.#notification(socket),
      (socket: Socket) => all.switchboards.met(socket),
    ]) {
      const server = createServer(socket => {
        all.#sockets.add(socket)
        socket.on('close', () => all.#sockets.delete(socket))
        met(socket)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      all.#servers.push(server)
    }
    return all
  }

  get ports() {
    const [dispatch = 0, notification = 0, switchboard = 0] = this.#servers.map(
      server => (server.address() as AddressInfo).port,
    )
    return { dispatch, notification, switchboard }
  }

  async close(): Promise<void> {
    this.passport.close()
    this.cut()
    for (const server of this.#servers) server.close()
  }

  /** The connections break; or those of one user. */
  cut(of?: string): void {
    if (of === undefined) for (const socket of this.#sockets) socket.destroy()
    else {
      this.#users.get(of)?.line?.cut()
      this.switchboards.close(of)
    }
  }

  mouthOf(address: string): Mouth | undefined {
    return this.#users.get(address)?.line
  }

  slow(): void {
    this.#manner = 'bytes'
    this.switchboards.manner = 'bytes'
  }

  /** They have each other in their lists. */
  befriend(address: string, others: readonly string[]): void {
    for (const [one, two] of others.flatMap(other => [[address, other] as const, [other, address] as const])) {
      const user = this.#users.get(one)
      user?.forward.set(two, { guid: guid(one + two), name: two, groups: new Set() })
      user?.allow.add(two)
    }
  }

  /** @param friends who is on the forward list, and in which groups */
  add(address: string, password: string, friends: Readonly<Record<string, readonly string[]>> = {}): void {
    const groups = new Map(
      Object.values(friends)
        .flat()
        .map(name => [guid(`${address} ${name}`), name]),
    )
    const forward = new Map(
      Object.entries(friends).map(([friend, names]) => [
        friend,
        {
          guid: guid(address + friend),
          name: `${friend.split('@')[0]}!`,
          groups: new Set(names.map(n => guid(`${address} ${n}`))),
        },
      ]),
    )
    const lists = { allow: new Set(Object.keys(friends)), block: new Set<string>() }
    this.#users.set(address, {
      address,
      password,
      name: address,
      forward,
      ...lists,
      groups,
      status: 'HDN',
      text: '',
      line: undefined,
      shown: false,
    })
  }

  lists(address: string) {
    const user = this.#users.get(address) as User
    const forward = [...user.forward].map(([friend, { name, groups }]) => [
      friend,
      name,
      ...[...groups].map(group => user.groups.get(group)),
    ])
    return { forward, allow: [...user.allow], block: [...user.block] }
  }

  says(to: string, bytes: Buffer): void {
    this.#users.get(to)?.line?.say(bytes)
  }

  /** Asks for a proof, as the server does now and then. */
  challenge(to: string): void {
    this.says(to, line('CHL', 0, CHALLENGE))
  }

  /** A server that only sends clients to another one. */
  #dispatch(socket: Socket): void {
    const mouth = new Mouth(socket, this.#manner)
    const state = { rest: Buffer.alloc(0) }
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      for (const { words } of lines(state, chunk)) {
        const next = `127.0.0.1:${this.ports.notification}`
        if (words[0] === 'USR') mouth.say(line('XFR', words[1] ?? '', 'NS', next, 0, next))
        else this.#version(mouth, words)
      }
    })
  }

  #version(mouth: Mouth, [name, id = '', version, ...rest]: readonly string[]): void {
    if (name === 'VER') mouth.say(line('VER', id, version === 'MSNP12' ? 'MSNP12' : '0'))
    else if (name === 'CVR' && rest.length === 7)
      mouth.say(line('CVR', id, '7.5.0324', '7.5.0324', '6.0', 'http://a', 'http://b'))
    else throw new Error(`Not expected: ${name}`)
  }

  #notification(socket: Socket): void {
    const mouth = new Mouth(socket, this.#manner)
    this.mouths.push(mouth)
    const state = { rest: Buffer.alloc(0) }
    let user: User | undefined
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (user?.line === mouth) this.#gone(user)
    })
    socket.on('data', (chunk: Buffer) => {
      for (const said of lines(state, chunk)) {
        this.heard.push({ from: user?.address ?? '', line: said })
        if (this.#manner !== 'plain') {
          mouth.say(line('XYZ', 'what', '?'))
          mouth.say(lineWith('<NOTIFICATION>\r\nOUT OTH\r\n</NOTIFICATION>', 'NOT'))
        }
        if (user) this.#command(user, mouth, said)
        else if (said.words[0] === 'USR') user = this.#login(mouth, said.words)
        else this.#version(mouth, said.words)
      }
    })
  }

  #login(mouth: Mouth, [, id = '', , step, ticket = '']: readonly string[]): User | undefined {
    if (step === 'I') {
      mouth.say(
        line('USR', id, 'TWN', 'S', 'lc=1033,id=507,tw=40,fs=1,ru=http%3A%2F%2Fmessenger%2Emsn%2Ecom,ct=1,tpf=43f8'),
      )
      return undefined
    }
    const user = this.#users.get(this.passport.owner(ticket) ?? '')
    if (!user) {
      mouth.say(line(911, id))
      return undefined
    }
    if (user.line) {
      user.line.say(line('OUT', 'OTH'))
      user.line.close()
    }
    user.line = mouth
    user.status = 'HDN'
    user.shown = false
    mouth.say(line('USR', id, 'OK', user.address, 1, 0))
    mouth.say(lineWith('MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsprofile\r\n\r\n', 'MSG', 'Hotmail', 'Hotmail'))
    return user
  }

  #command(user: User, mouth: Mouth, { words, body }: Line): void {
    const [name, id = '', a = '', b = '', c = ''] = words
    switch (name) {
      case 'SYN':
        this.#list(user, mouth, id)
        break
      case 'CHG':
        this.#change(user, mouth, id, a)
        break
      case 'UUX':
        user.text = body
        mouth.say(line('UUX', id, 0))
        for (const other of this.#watchers(user)) other.line?.say(lineWith(body, 'UBX', user.address))
        break
      case 'PNG':
        mouth.say(line('QNG', 42))
        break
      case 'QRY':
        if (a === 'PROD0090YUAUV{2B' && body === ANSWER) {
          this.proven++
          mouth.say(line('QRY', id))
        } else mouth.say(line(540, id))
        break
      case 'XFR':
        if (user.status === 'HDN') mouth.say(line(913, id))
        else
          mouth.say(
            line('XFR', id, 'SB', `127.0.0.1:${this.ports.switchboard}`, 'CKI', this.switchboards.key(user.address)),
          )
        break
      case 'ADC':
        this.#put(user, mouth, id, a, b, c)
        break
      case 'REM':
        this.#drop(user, mouth, id, a, b, c)
        break
      case 'ADG':
        user.groups.set(guid(`${user.address} ${decodeURIComponent(a)}`), decodeURIComponent(a))
        mouth.say(line('ADG', id, a, guid(`${user.address} ${decodeURIComponent(a)}`)))
        break
      case 'SBP':
        for (const entry of user.forward.values()) if (entry.guid === a) entry.name = decodeURIComponent(c)
        mouth.say(line('SBP', id, a, b, c))
        break
      case 'OUT':
        this.#gone(user)
        mouth.close()
        break
      default:
        throw new Error(`No command of a notification server: ${words.join(' ')}`)
    }
  }

  #list(user: User, mouth: Mouth, id: string): void {
    const has = (other: User) => other.forward.has(user.address)
    const others = [...this.#users.values()].filter(
      other =>
        user.forward.has(other.address) || user.allow.has(other.address) || user.block.has(other.address) || has(other),
    )
    const time = '2005-04-23T18:57:44.8130000-07:00'
    mouth.say(line('SYN', id, time, time.replace('44', '54'), others.length, user.groups.size))
    mouth.say(line('GTC', 'A'))
    mouth.say(line('BLP', 'AL'))
    mouth.say(line('PRP', 'MFN', wire(user.name)))
    for (const [group, name] of user.groups) mouth.say(line('LSG', wire(name), group))
    for (const other of others) {
      const entry = user.forward.get(other.address)
      const waits = has(other) && !user.allow.has(other.address) && !user.block.has(other.address)
      const bits =
        (entry ? 1 : 0) +
        (user.allow.has(other.address) ? 2 : 0) +
        (user.block.has(other.address) ? 4 : 0) +
        (has(other) ? 8 : 0) +
        (waits ? 16 : 0)
      const words = [`N=${other.address}`, `F=${wire(entry?.name ?? other.name)}`]
      const groups = entry?.groups.size ? [[...entry.groups].join(',')] : []
      mouth.say(line('LST', ...words, ...(entry ? [`C=${entry.guid}`] : []), bits, 1, ...groups))
    }
  }

  #change(user: User, mouth: Mouth, id: string, status: string): void {
    const first = !user.shown
    user.shown = true
    const was = user.status
    user.status = status
    mouth.say(line('CHG', id, status, 0))
    if (first)
      for (const other of this.#users.values())
        if (user.forward.has(other.address) && this.#seen(other, user)) {
          mouth.say(line('ILN', id, other.status, other.address, wire(other.name), 0))
          if (other.text) mouth.say(lineWith(other.text, 'UBX', other.address))
        }
    for (const other of this.#watchers(user)) {
      if (status === 'HDN') {
        if (was !== 'HDN') other.line?.say(line('FLN', user.address))
      } else other.line?.say(line('NLN', status, user.address, wire(user.name), 0))
    }
  }

  #seen(user: User, by: User): boolean {
    return user.line !== undefined && user.status !== 'HDN' && !user.block.has(by.address)
  }

  #watchers(user: User): User[] {
    return [...this.#users.values()].filter(
      other => other.line && other !== user && other.forward.has(user.address) && !user.block.has(other.address),
    )
  }

  #gone(user: User): void {
    user.line = undefined
    for (const other of this.#watchers(user)) other.line?.say(line('FLN', user.address))
  }

  #put(user: User, mouth: Mouth, id: string, list: string, who: string, extra: string): void {
    if (who.startsWith('C=')) {
      const entry = [...user.forward.values()].find(one => one.guid === who.slice(2))
      entry?.groups.add(extra)
      mouth.say(entry ? line('ADC', id, list, who, extra) : line(216, id))
      return
    }
    const address = who.slice(2)
    const other = this.#users.get(address)
    if (!other || !who.startsWith('N=')) mouth.say(line(205, id))
    else if (list === 'FL') {
      const entry = {
        guid: guid(user.address + address),
        name: decodeURIComponent(extra.slice(2)),
        groups: new Set<string>(),
      }
      user.forward.set(address, entry)
      mouth.say(line('ADC', id, 'FL', who, extra, `C=${entry.guid}`))
      other.line?.say(line('ADC', 0, 'RL', `N=${user.address}`, `F=${wire(user.name)}`))
      if (this.#seen(other, user)) mouth.say(line('NLN', other.status, address, wire(other.name), 0))
    } else {
      const set = list === 'AL' ? user.allow : user.block
      const both = user.allow.has(address) || user.block.has(address)
      if (both) mouth.say(line(215, id))
      else {
        set.add(address)
        mouth.say(line('ADC', id, list, who))
      }
    }
  }

  #drop(user: User, mouth: Mouth, id: string, list: string, who: string, group: string): void {
    const found = [...user.forward].find(([, one]) => one.guid === who)
    if (list === 'FL' && !found) mouth.say(line(216, id))
    else if (list === 'FL' && group) {
      found?.[1].groups.delete(group)
      mouth.say(line('REM', id, list, who, group))
    } else {
      if (found) {
        user.forward.delete(found[0])
        this.#users.get(found[0])?.line?.say(line('REM', 0, 'RL', user.address))
      } else if (list !== 'PL') (list === 'AL' ? user.allow : user.block).delete(who)
      mouth.say(line('REM', id, list, who))
    }
  }
}
