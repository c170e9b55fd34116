import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Manner, Mouth } from '../public-im/mouth.ts'
import { gate, speaker } from './gate.ts'
import { waiting } from './offline.ts'
import {
  block,
  denies,
  type Entry,
  entries,
  entryBytes,
  member,
  number,
  type Speaker,
  same,
  type User,
} from './people.ts'
import { type Bytes, Frames, long, name, type Said, said, text, tlv, tlvs, word } from './wire.ts'

const FAMILIES = [1, 2, 3, 4, 6, 8, 9, 0x0a, 0x13, 0x15]
/** Window, clear, alert, limit, disconnect, current, greatest; time and state. */
export type Limits = readonly [number, number, number, number, number, number, number]
const EASY: Limits = [80, 2500, 2000, 1500, 800, 5900, 6000]

/** Servers of AIM and ICQ for tests: the one that lets people in, and the one of everything else. */
export class OscarServers {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #users: User[] = []
  readonly cookies = new Map<string, User>()
  #manner: Manner
  /** Of the second server's connections, and of the first one's. */
  readonly mouths: Mouth[] = []
  readonly gates: Mouth[] = []
  readonly heard: { readonly from: string; readonly said: Said }[] = []
  /** Transactions that are open. */
  open = 0
  limits = EASY

  private constructor(manner: Manner) {
    this.#manner = manner
  }

  static async open(manner: Manner = 'plain'): Promise<OscarServers> {
    const all = new OscarServers(manner)
    for (const met of [(socket: Socket) => gate(socket, all.#manner, all), (socket: Socket) => all.#service(socket)]) {
      const server = createServer(socket => {
        all.#sockets.add(socket)
        socket.on('error', () => undefined)
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
    const [gate = 0, service = 0] = this.#servers.map(server => (server.address() as AddressInfo).port)
    return { gate, service }
  }

  close(): void {
    this.cut()
    for (const server of this.#servers) server.close()
  }

  /** The connections break; or that of one user. */
  cut(of?: string): void {
    if (of === undefined) for (const socket of this.#sockets) socket.destroy()
    else this.find(of)?.line?.mouth.cut()
  }

  slow(): void {
    this.#manner = 'bytes'
  }

  /** @param groups who is in which group */
  add(
    userName: string,
    password: string,
    groups: Readonly<Record<string, readonly string[]>> = {},
    wary = false,
  ): void {
    const list: Entry[] = []
    const names = Object.keys(groups)
    if (names.length > 0)
      list.push({
        name: '',
        group: 0,
        item: 0,
        kind: 1,
        data: Buffer.from(
          tlv(
            0xc8,
            names.flatMap((_, n) => word(n + 1)),
          ),
        ),
      })
    let next = 0x100
    for (const [n, group] of names.entries()) {
      const members = (groups[group] ?? []).map(buddy => ({
        name: buddy,
        group: n + 1,
        item: next++,
        kind: 0,
        data: Buffer.alloc(0),
      }))
      list.push({
        name: group,
        group: n + 1,
        item: 0,
        kind: 1,
        data: Buffer.from(
          tlv(
            0xc8,
            members.flatMap(({ item }) => word(item)),
          ),
        ),
      })
      list.push(...members)
    }
    const state = { status: 0, away: '', idle: 0, line: undefined, ready: false }
    this.#users.push({ name: userName, password, wary, list, granted: new Set(), waiting: [], ...state })
  }

  /** Groups, and who is in them; each group must know its members. */
  groupsOf(userName: string): Record<string, string[]> {
    const { list } = this.find(userName) as User
    const groups = list.filter(({ kind, group }) => kind === 1 && group !== 0)
    return Object.fromEntries(
      groups.map(({ name: groupName, group, data }) => {
        const members = list.filter(entry => entry.kind === 0 && entry.group === group)
        const known = data.length ? [...(tlvs(data).get(0xc8) ?? [])].length / 2 : 0
        if (known !== members.length) throw new Error(`${groupName} says ${known} and has ${members.length}`)
        return [groupName, members.map(member => member.name)]
      }),
    )
  }

  list(userName: string): readonly Entry[] {
    return (this.find(userName) as User).list
  }

  says(to: string, family: number, subtype: number, data: Bytes, flags = 0): void {
    this.find(to)?.line?.snac(family, subtype, data, 0x80000001, flags)
  }

  find(userName: string): User | undefined {
    return this.#users.find(user => same(user.name, userName))
  }

  #service(socket: Socket): void {
    const mouth = new Mouth(socket, this.#manner)
    const frames = new Frames()
    const line = speaker(mouth, frames, this.#manner)
    let user: User | undefined
    this.mouths.push(mouth)
    mouth.say(frames.write(1, long(1)))
    socket.on('close', () => {
      if (user?.line === line) this.#gone(user)
    })
    socket.on('data', (chunk: Buffer) => {
      for (const { channel, body } of frames.read(chunk)) {
        if (channel === 1) {
          user = this.cookies.get(tlvs(body.subarray(4)).get(6)?.toString() ?? '')
          if (!user) throw new Error('A cookie that nobody has')
          user.line?.bye(1)
          if (user.line) this.#gone(user)
          Object.assign(user, { line, ready: false, status: 0, away: '', idle: 0 })
          line.snac(1, 3, FAMILIES.flatMap(word))
        } else if (channel === 2 && user) {
          const what = said(body)
          this.heard.push({ from: user.name, said: what })
          this.#answer(user, line, what)
        }
      }
    })
  }

  #answer(user: User, line: Speaker, { family, subtype, id, data }: Said): void {
    const answer = (kind: number, bytes: Bytes, flags = 0) => line.snac(family, kind, bytes, id, flags)
    switch (family * 256 + subtype) {
      case 0x0117:
        answer(
          0x18,
          FAMILIES.flatMap(one => [...word(one), ...word(one === 0x13 ? 4 : 1)]),
        )
        break
      case 0x0106:
        answer(7, [
          ...word(1),
          ...word(1),
          ...this.limits.flatMap(long),
          ...long(0),
          3,
          ...word(1),
          ...word(1),
          ...word(4),
          ...word(6),
        ])
        break
      case 0x010e:
        answer(0x0f, block(user))
        break
      case 0x011e:
        this.#show(user, () => {
          user.status = (tlvs(data).get(6)?.readUInt32BE() ?? 0) & 0xffff
        })
        break
      case 0x0111:
        this.#show(user, () => {
          user.idle = data.readUInt32BE()
        })
        break
      case 0x0102:
        this.#ready(user, line)
        break
      case 0x0202:
        answer(3, [...tlv(1, word(1024)), ...tlv(2, word(10)), ...tlv(3, word(10))])
        break
      case 0x0204:
        if (tlvs(data).has(4))
          this.#show(user, () => {
            user.away = tlvs(data).get(4)?.toString() ?? ''
          })
        break
      case 0x0205: {
        const other = this.find(data.subarray(3).toString())
        if (!other || !this.#seen(other, user)) answer(1, word(4))
        else answer(6, [...block(other), ...tlv(3, text('text/aolrtf; charset="utf-8"')), ...tlv(4, text(other.away))])
        break
      }
      case 0x0302:
        answer(3, [...tlv(1, word(220)), ...tlv(2, word(750))])
        break
      case 0x0404:
        answer(5, [...word(2), ...long(3), ...word(512), ...word(999), ...word(999), ...word(0), ...word(1000)])
        break
      case 0x0406:
        this.#message(user, line, id, data)
        break
      case 0x0414: {
        const size = data[10] as number
        const other = this.find(data.subarray(11, 11 + size).toString())
        const rest = [...data.subarray(11 + size)]
        if (other && this.#seen(other, user))
          other.line?.snac(4, 0x14, [...data.subarray(0, 10), ...name(user.name), ...rest])
        break
      }
      case 0x1302:
        answer(3, tlv(4, [600, 61, 200, 200, 1, 1].flatMap(word)))
        break
      case 0x1304: {
        const [first, rest] = [user.list.slice(0, 3), user.list.slice(3)]
        answer(6, [0, ...word(first.length), ...first.flatMap(entryBytes), ...long(0)], 1)
        answer(6, [0, ...word(rest.length), ...rest.flatMap(entryBytes), ...long(1_163_800_000)])
        break
      }
      case 0x1308:
      case 0x1309:
      case 0x130a:
        if (this.open === 0) throw new Error('A change without a transaction')
        answer(
          0x0e,
          entries(data).flatMap(entry => word(this.#edit(user, subtype, entry))),
        )
        break
      case 0x1311:
        this.open++
        break
      case 0x1312:
        this.open--
        break
      case 0x1318: {
        const size = data[0] as number
        this.find(data.subarray(1, 1 + size).toString())?.line?.snac(0x13, 0x19, [
          ...name(user.name),
          ...data.subarray(1 + size),
        ])
        break
      }
      case 0x131a:
        this.#authorize(user, data)
        break
      case 0x1502:
        waiting(user, line, id, data)
        break
      case 0x0108:
      case 0x0402:
      case 0x1307:
        break
      default:
        throw new Error(`No one expects ${family.toString(16)}/${subtype.toString(16)}`)
    }
  }

  #ready(user: User, line: Speaker): void {
    user.ready = true
    for (const other of this.#users)
      if (member(user, other.name) && this.#seen(other, user)) line.snac(3, 0x0b, block(other))
    this.#spread(user, 0x0b)
  }

  #seen(user: User, by: User): boolean {
    const hidden = (user.status & 0x100) !== 0 || denies(user, by.name)
    const allowed = !user.wary || user.granted.has(by.name)
    return user.line !== undefined && user.ready && !hidden && allowed
  }

  #show(user: User, change: () => void): void {
    const was = (user.status & 0x100) === 0
    change()
    const is = (user.status & 0x100) === 0
    if (is) this.#spread(user, 0x0b)
    else if (was)
      for (const other of this.#watchers(user)) other.line?.snac(3, 0x0c, [...name(user.name), ...word(0), ...word(0)])
  }

  #watchers(user: User): User[] {
    return this.#users.filter(other => other !== user && other.line && other.ready && member(other, user.name))
  }

  #spread(user: User, subtype: number): void {
    for (const other of this.#watchers(user)) if (this.#seen(user, other)) other.line?.snac(3, subtype, block(user))
  }

  #gone(user: User): void {
    user.line = undefined
    for (const other of this.#watchers(user)) other.line?.snac(3, 0x0c, [...name(user.name), ...word(0), ...word(0)])
  }

  #message(from: User, line: Speaker, id: number, data: Buffer): void {
    const size = data[10] as number
    const to = this.find(data.subarray(11, 11 + size).toString())
    const parts = tlvs(data.subarray(11 + size))
    const content = [...(parts.get(2) ?? [])]
    const [cookie, channel] = [[...data.subarray(0, 8)], [...data.subarray(8, 10)]]
    if (to?.ready && to.line && denies(to, from.name)) line.snac(4, 1, word(0x10), id)
    else if (to?.line) to.line.snac(4, 7, [...cookie, ...channel, ...block(from), ...tlv(0x0b, []), ...tlv(2, content)])
    else if (to && number(to.name) && parts.has(6))
      to.waiting.push({ from: from.name, text: Buffer.from(content).subarray(13).toString('latin1') })
    else {
      line.snac(4, 1, word(4), id)
      return
    }
    if (parts.has(3)) line.snac(4, 0x0c, [...cookie, ...channel, ...name(to?.name ?? '')], id)
  }

  /** What happened to an entry: a code of SNAC(13,0E). */
  #edit(user: User, subtype: number, entry: Entry): number {
    const at = user.list.findIndex(
      one => one.group === entry.group && one.item === entry.item && (one.kind === 1) === (entry.kind === 1),
    )
    if (subtype !== 8) {
      if (at < 0) return 2
      if (subtype === 9) user.list[at] = entry
      else user.list.splice(at, 1)
      return 0
    }
    if (at >= 0) return 3
    const other = entry.kind === 0 ? this.find(entry.name) : undefined
    if (entry.kind === 0 && !other) return 0x0a
    const awaits = entry.data.includes(Buffer.from([0, 0x66, 0, 0]))
    if (other?.wary && !other.granted.has(user.name) && !awaits) return 0x0e
    user.list.push(entry)
    if (other && this.#seen(other, user)) user.line?.snac(3, 0x0b, block(other))
    if (entry.kind === 3 && other !== user)
      this.find(entry.name)?.line?.snac(3, 0x0c, [...name(user.name), ...word(0), ...word(0)])
    return 0
  }

  #authorize(user: User, data: Buffer): void {
    const size = data[0] as number
    const other = this.find(data.subarray(1, 1 + size).toString())
    const yes = data[1 + size] === 1
    if (!other) return
    if (yes) user.granted.add(other.name)
    other.line?.snac(0x13, 0x1b, [...name(user.name), yes ? 1 : 0, ...word(0)])
    if (this.#seen(user, other)) other.line?.snac(3, 0x0b, block(user))
  }
}
