import type { Contact } from '@parley/adapter'
import { canonical } from './id.ts'

const MOST = 10_000

/** The list, as the server keeps it: who is in which groups, and who is ignored. */
export class Friends {
  readonly #groups = new Map<string, Set<string>>()
  readonly #ignored = new Set<string>()

  /** Key 87, whole: a line for each group, `Friends:anna,ben`. */
  readGroups(list: string): void {
    for (const line of list.split('\n')) {
      const colon = line.lastIndexOf(':')
      if (colon === -1) continue
      for (const name of line.slice(colon + 1).split(',')) this.join(name, line.slice(0, colon))
    }
  }

  /** Key 88, whole: names with commas between. */
  readIgnored(list: string): void {
    for (const name of list.split(/[,\n]/)) {
      const id = canonical(name)
      if (id !== undefined && this.#ignored.size < MOST) this.#ignored.add(id)
    }
  }

  join(name: string, group: string): void {
    const id = canonical(name)
    if (id === undefined) return
    const groups = this.#groups.get(id)
    if (groups) groups.add(group)
    else if (this.#groups.size < MOST) this.#groups.set(id, new Set([group]))
  }

  leave(id: string, group: string): void {
    const groups = this.#groups.get(id)
    groups?.delete(group)
    if (groups?.size === 0) this.#groups.delete(id)
  }

  ignore(id: string, on: boolean): void {
    if (on) this.#ignored.add(id)
    else this.#ignored.delete(id)
  }

  groupsOf(id: string): readonly string[] {
    return [...(this.#groups.get(id) ?? [])]
  }

  has(id: string): boolean {
    return this.#groups.has(id)
  }

  /** Where somebody goes who is added without a group. */
  get usual(): string {
    for (const groups of this.#groups.values()) for (const group of groups) return group
    return 'Friends'
  }

  /** Whoever has somebody in the list is seen by them, and sees them: nothing else is known. */
  contact(id: string): Contact {
    const groups = this.groupsOf(id)
    const blocked = this.#ignored.has(id) ? { blocked: true } : {}
    return { id, groups, subscription: groups.length > 0 ? 'both' : 'none', ...blocked }
  }

  all(): Contact[] {
    return [...new Set([...this.#groups.keys(), ...this.#ignored])].map(id => this.contact(id))
  }
}
