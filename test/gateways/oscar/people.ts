import { createHash } from 'node:crypto'
import type { Mouth } from '../public-im/mouth.ts'
import { type Bytes, long, name, text, tlv, word } from './wire.ts'

/** An entry of the list, as the server keeps it. */
export interface Entry {
  readonly name: string
  readonly group: number
  readonly item: number
  readonly kind: number
  readonly data: Buffer
}

export interface Speaker {
  readonly mouth: Mouth
  snac(family: number, subtype: number, data: Bytes, id?: number, flags?: number): void
  bye(reason: number | undefined): void
}

export interface User {
  readonly name: string
  readonly password: string
  /** Who adds them must ask. */
  readonly wary: boolean
  list: Entry[]
  readonly granted: Set<string>
  readonly waiting: { readonly from: string; readonly text: string }[]
  status: number
  away: string
  idle: number
  line: Speaker | undefined
  ready: boolean
}

export const same = (a: string, b: string) =>
  a.toLowerCase().replaceAll(' ', '') === b.toLowerCase().replaceAll(' ', '')
export const number = (s: string) => /^\d+$/.test(s)

export function member(of: User, other: string): boolean {
  return of.list.some(entry => entry.kind === 0 && same(entry.name, other))
}

export const denies = (user: User, other: string) =>
  user.list.some(entry => entry.kind === 3 && same(entry.name, other)) &&
  user.list.some(entry => entry.kind === 4 && entry.data.includes(Buffer.from([0, 0xca, 0, 1, 4])))

/** The block that stands for somebody who is online. */
export function block(user: User): number[] {
  const parts = [
    tlv(1, word(number(user.name) ? 0x50 : user.away ? 0x30 : 0x10)),
    tlv(0x0f, long(77)),
    tlv(3, long(1_163_800_000)),
  ]
  if (number(user.name)) parts.push(tlv(6, long(0x20030000 + user.status)))
  if (user.idle >= 60) parts.push(tlv(4, word(Math.floor(user.idle / 60))))
  return [...name(user.name), ...word(0), ...word(parts.length), ...parts.flat()]
}

export const entryBytes = (entry: Entry): number[] => [
  ...word(text(entry.name).length),
  ...text(entry.name),
  ...word(entry.group),
  ...word(entry.item),
  ...word(entry.kind),
  ...word(entry.data.length),
  ...entry.data,
]

export function entries(data: Buffer): Entry[] {
  const found: Entry[] = []
  for (let at = 0; at < data.length; ) {
    const size = data.readUInt16BE(at)
    const head = at + 2 + size
    const length = data.readUInt16BE(head + 6)
    found.push({
      name: data.subarray(at + 2, head).toString(),
      group: data.readUInt16BE(head),
      item: data.readUInt16BE(head + 2),
      kind: data.readUInt16BE(head + 4),
      data: data.subarray(head + 8, head + 8 + length),
    })
    at = head + 8 + length
  }
  return found
}

/** They have each other in their lists, and may. */
export function befriend(one: User, others: readonly string[], find: (name: string) => User | undefined): void {
  const put = (user: User, names: readonly string[]) => {
    const first = user.list.length + 0x200
    const items = names.map((buddy, n) => ({ name: buddy, group: 9, item: first + n, kind: 0, data: Buffer.alloc(0) }))
    const ids = items.flatMap(({ item }) => word(item))
    const group = { name: 'All', group: 9, item: 0, kind: 1, data: Buffer.from(tlv(0xc8, ids)) }
    user.list = [...user.list.filter(entry => entry.group !== 9), group, ...items]
  }
  put(one, others)
  for (const other of others) {
    one.granted.add(other)
    const user = find(other)
    user?.granted.add(one.name)
    if (user) put(user, [one.name])
  }
}

const md5 = (...parts: (Buffer | string)[]) =>
  createHash('md5')
    .update(Buffer.concat(parts.map(p => Buffer.from(p))))
    .digest()

/** What a login must say: with TLV 4C over a digest of the password, without over the password itself. */
export const proofs = (key: string, password: string) => ({
  digested: md5(key, md5(password), 'AOL Instant Messenger (SM)').toString('hex'),
  plain: md5(key, password, 'AOL Instant Messenger (SM)').toString('hex'),
})
