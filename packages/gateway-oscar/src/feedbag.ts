import type { Contact } from '@parley/adapter'
import { AdapterError } from '@parley/adapter'
import { counted, Reader, type Tlvs, textOf, tlv, u16 } from './bytes.ts'
import { canonical } from './id.ts'

export const KIND = { buddy: 0, group: 1, permit: 2, deny: 3, privacy: 4 } as const
const MEMBERS = 0xc8
const PRIVACY = 0xca
const ALIAS = 0x131
const AWAITING = 0x66
const MOST = 20_000

export interface Item {
  readonly name: string
  readonly group: number
  readonly item: number
  readonly kind: number
  readonly tlvs: Tlvs
}

/** @throws AdapterError where it is none */
export function readItem(reader: Reader): Item {
  const name = textOf(reader.take(reader.word()))
  const [group, item, kind] = [reader.word(), reader.word(), reader.word()]
  return { name, group, item, kind, tlvs: new Reader(reader.take(reader.word())).tlvs() }
}

export function encodeItem({ name, group, item, kind, tlvs }: Item): Buffer {
  const data = Buffer.concat([...tlvs].map(([type, value]) => tlv(type, value)))
  return Buffer.concat([counted(name), u16(group, item, kind), counted(data)])
}

/** The list that the server keeps: buddies in groups, and who is kept out. */
export class Feedbag {
  readonly #items = new Map<string, Item>()

  set(item: Item): void {
    const key = `${item.group} ${item.item} ${item.kind === KIND.group ? 'g' : 'i'}`
    if (this.#items.size < MOST || this.#items.has(key)) this.#items.set(key, item)
  }

  delete({ group, item, kind }: Item): void {
    this.#items.delete(`${group} ${item} ${kind === KIND.group ? 'g' : 'i'}`)
  }

  of(kind: number): Item[] {
    return [...this.#items.values()].filter(item => item.kind === kind)
  }

  buddies(id: string): Item[] {
    return this.of(KIND.buddy).filter(({ name }) => canonical(name) === id)
  }

  group(name: string): Item | undefined {
    return this.of(KIND.group).find(item => item.group !== 0 && item.name === name)
  }

  groupName(id: number): string | undefined {
    return this.of(KIND.group).find(({ group }) => group === id && group !== 0)?.name
  }

  /** Where somebody goes who is added without a group. */
  get usual(): string {
    return this.of(KIND.group).find(({ group }) => group !== 0)?.name ?? 'Buddies'
  }

  denied(id: string): Item | undefined {
    return this.of(KIND.deny).find(({ name }) => canonical(name) === id)
  }

  newGroup(name: string): Item {
    return { name, group: this.#free(n => n.group), item: 0, kind: KIND.group, tlvs: new Map() }
  }

  newBuddy(id: string, group: number, alias: string | undefined, awaiting: boolean): Item {
    const tlvs: Tlvs = new Map()
    if (alias) tlvs.set(ALIAS, Buffer.from(alias))
    if (awaiting) tlvs.set(AWAITING, Buffer.alloc(0))
    return { name: id, group, item: this.#free(n => n.item), kind: KIND.buddy, tlvs }
  }

  newDenial(id: string): Item {
    return { name: id, group: 0, item: this.#free(n => n.item), kind: KIND.deny, tlvs: new Map() }
  }

  /** The setting with which the block list counts; undefined: it has it already. */
  denying(): { readonly item: Item; readonly fresh: boolean } | undefined {
    const known = this.of(KIND.privacy)[0]
    const mode = known?.tlvs.get(PRIVACY)?.[0]
    // 2, 3 and 5 let in fewer than that.
    if (mode !== undefined && mode !== 1) return undefined
    const item = known ?? { name: '', group: 0, item: this.#free(n => n.item), kind: KIND.privacy, tlvs: new Map() }
    return { item: { ...item, tlvs: new Map(item.tlvs).set(PRIVACY, Buffer.from([4])) }, fresh: !known }
  }

  /** A group, or with 0 the one of groups, with the members that it has now. */
  withMembers(group: number): Item {
    const known = this.of(KIND.group).find(item => item.group === group)
    const members =
      group === 0
        ? this.of(KIND.group).flatMap(item => (item.group === 0 ? [] : [item.group]))
        : this.of(KIND.buddy).flatMap(item => (item.group === group ? [item.item] : []))
    const tlvs = new Map(known?.tlvs)
    if (members.length > 0) tlvs.set(MEMBERS, u16(...members))
    else tlvs.delete(MEMBERS)
    return { name: known?.name ?? '', group, item: 0, kind: KIND.group, tlvs }
  }

  renamed(item: Item, alias: string): Item {
    return { ...item, tlvs: new Map(item.tlvs).set(ALIAS, Buffer.from(alias)) }
  }

  authorized(item: Item): Item {
    const tlvs = new Map(item.tlvs)
    tlvs.delete(AWAITING)
    return { ...item, tlvs }
  }

  awaits = (item: Item) => item.tlvs.has(AWAITING)

  contact(id: string): Contact {
    const items = this.buddies(id)
    const alias = items.flatMap(({ tlvs }) => textOf(tlvs.get(ALIAS) ?? Buffer.alloc(0)) || [])[0]
    const asked = items.length > 0 && items.every(this.awaits)
    return {
      id,
      ...(alias ? { name: alias } : {}),
      groups: items.flatMap(({ group }) => this.groupName(group) ?? []),
      subscription: items.length === 0 || asked ? 'none' : 'both',
      ...(asked ? { asked } : {}),
      ...(this.denied(id) ? { blocked: true } : {}),
    }
  }

  all(): Contact[] {
    const names = [...this.of(KIND.buddy), ...this.of(KIND.deny)].flatMap(({ name }) => canonical(name) ?? [])
    return [...new Set(names)].map(id => this.contact(id))
  }

  #free(of: (item: Item) => number): number {
    const taken = new Set([...this.#items.values()].map(of))
    for (let id = 1; id < 0x8000; id++) if (!taken.has(id)) return id
    throw new AdapterError('unsupported', 'The list of AIM or ICQ is full')
  }
}
