import type { Contact } from '@parley/adapter'
import { unquote } from './codec.ts'
import { canonical } from './id.ts'

/** Bits of an LST line. */
const BITS = { FL: 1, AL: 2, BL: 4, RL: 8, PL: 16 } as const
export type ListName = keyof typeof BITS

export interface Entry {
  readonly id: string
  name: string
  /** What the server calls the entry of the forward list. */
  guid: string | undefined
  bits: number
  readonly groups: Set<string>
}

const MOST = 10_000

/** The five lists: whom we have (FL), who may see us (AL) or not (BL), who has us (RL), and who waits for a word (PL). */
export class Lists {
  readonly #entries = new Map<string, Entry>()
  /** Names of groups, by GUID. */
  readonly #groups = new Map<string, string>()

  /** `LST N=anna@… F=Anna C=guid 11 1 group,group`: from MSNP12 on with the network before the groups. */
  read(args: readonly string[]): Entry | undefined {
    const { id, name, guid, rest } = fields(args)
    const bits = Number(rest[0])
    if (id === undefined || !Number.isInteger(bits)) return undefined
    const entry = this.entry(id)
    if (!entry) return undefined
    entry.name = name ?? entry.name
    entry.guid = guid ?? entry.guid
    entry.bits = bits
    const groups = rest.slice(1).find(word => word.includes('-'))
    for (const group of groups?.split(',') ?? []) entry.groups.add(group)
    return entry
  }

  /** `ADC 0 RL N=… F=…`: also what we have asked for. */
  added(list: string, args: readonly string[]): Entry | undefined {
    const { id, name, guid, rest } = fields(args)
    const entry = id === undefined ? this.byGuid(guid) : this.entry(id)
    if (!entry) return undefined
    entry.name = name ?? entry.name
    entry.guid = guid ?? entry.guid
    if (rest[0]?.includes('-')) entry.groups.add(rest[0])
    entry.bits |= BITS[list as ListName] ?? 0
    return entry
  }

  removed(list: string, who: string, group?: string): Entry | undefined {
    const entry = this.byGuid(who) ?? this.#entries.get(canonical(who) ?? '')
    if (!entry) return undefined
    if (group !== undefined) entry.groups.delete(group)
    else {
      entry.bits &= ~(BITS[list as ListName] ?? 0)
      if (list !== 'FL') return entry
      entry.groups.clear()
      entry.guid = undefined
    }
    return entry
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  is(id: string, list: ListName): boolean {
    return ((this.#entries.get(id)?.bits ?? 0) & BITS[list]) !== 0
  }

  group(guid: string, name: string): void {
    if (this.#groups.size < 1000) this.#groups.set(guid, name)
  }

  groupOf(name: string): string | undefined {
    for (const [guid, known] of this.#groups) if (known === name) return guid
    return undefined
  }

  byGuid(guid: string | undefined): Entry | undefined {
    if (guid === undefined) return undefined
    for (const entry of this.#entries.values()) if (entry.guid === guid) return entry
    return undefined
  }

  contact(id: string): Contact {
    const entry = this.#entries.get(id)
    const to = this.is(id, 'FL')
    const from = this.is(id, 'RL') && this.is(id, 'AL')
    return {
      id,
      ...(entry?.name && entry.name !== id ? { name: entry.name } : {}),
      groups: [...(entry?.groups ?? [])].flatMap(guid => this.#groups.get(guid) ?? []),
      subscription: to ? (from ? 'both' : 'to') : from ? 'from' : 'none',
      ...(this.is(id, 'BL') ? { blocked: true } : {}),
    }
  }

  /** Whom the user has, or has blocked. Who only has the user is no contact: removed ones would come back. */
  all(): Contact[] {
    const ids = [...this.#entries.keys()].filter(id => this.is(id, 'FL') || this.is(id, 'BL'))
    return ids.map(id => this.contact(id))
  }

  /** Who has added the user and waits for a word. */
  waiting(): Entry[] {
    return [...this.#entries.values()].filter(({ id }) => this.waits(id))
  }

  waits(id: string): boolean {
    return (this.is(id, 'PL') || this.is(id, 'RL')) && !this.is(id, 'AL') && !this.is(id, 'BL')
  }

  entry(id: string): Entry | undefined {
    const known = this.#entries.get(id)
    if (known || this.#entries.size >= MOST) return known
    const entry = { id, name: '', guid: undefined, bits: 0, groups: new Set<string>() }
    this.#entries.set(id, entry)
    return entry
  }
}

function fields(args: readonly string[]) {
  const value = (mark: string) => args.find(arg => arg.startsWith(mark))?.slice(mark.length)
  const name = value('F=')
  return {
    id: canonical(value('N=') ?? ''),
    name: name === undefined ? undefined : unquote(name),
    guid: value('C='),
    rest: args.filter(arg => !/^[NFC]=/.test(arg)),
  }
}
