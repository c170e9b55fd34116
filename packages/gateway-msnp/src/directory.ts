import { AdapterError, type Event } from '@parley/adapter'
import { type Command, quote } from './codec.ts'
import { ALREADY } from './failures.ts'
import { type Link, Refused } from './link.ts'
import { type ListName, Lists } from './lists.ts'

/** The lists of a session, and what changes them. */
export class Directory {
  readonly lists = new Lists()
  readonly #link: () => Link
  readonly #emit: (event: Event) => void

  constructor(link: () => Link, emit: (event: Event) => void) {
    this.#link = link
    this.#emit = emit
  }

  async add(id: string, name: string, groups: readonly string[]): Promise<void> {
    const entry = this.lists.get(id)
    if (!this.lists.is(id, 'FL')) await this.#put('FL', [`N=${id}`, `F=${quote(name || entry?.name || id)}`])
    if (!this.lists.is(id, 'AL') && !this.lists.is(id, 'BL')) await this.#put('AL', [`N=${id}`])
    if (this.lists.is(id, 'PL')) await this.#drop('PL', id)
    await this.#regroup(id, groups)
    this.#tell(id)
  }

  /** They may still see the user: only a refusal takes that away. */
  async remove(id: string): Promise<void> {
    const guid = this.lists.get(id)?.guid
    if (guid !== undefined && this.lists.is(id, 'FL')) await this.#drop('FL', guid)
    this.#emit({ type: 'contact-gone', id })
  }

  async rename(id: string, name: string): Promise<void> {
    const entry = this.#known(id)
    await this.#link().ask('SBP', [entry.guid, 'MFN', quote(name || id)])
    entry.entry.name = name
    this.#tell(id)
  }

  async regroup(id: string, groups: readonly string[]): Promise<void> {
    this.#known(id)
    await this.#regroup(id, groups)
    this.#tell(id)
  }

  /** Whether they may see the user. */
  async allow(id: string, yes: boolean): Promise<void> {
    const [to, from]: [ListName, ListName] = yes ? ['AL', 'BL'] : ['BL', 'AL']
    if (this.lists.is(id, from)) await this.#drop(from, id)
    if (!this.lists.is(id, to)) await this.#put(to, [`N=${id}`])
    if (this.lists.is(id, 'PL')) await this.#drop('PL', id)
    this.#tell(id)
  }

  /** `ADC 0 RL …`: the server says that a list has changed. */
  added({ args }: Command): void {
    const entry = this.lists.added(args[1] ?? '', args.slice(2))
    if (!entry) return
    if (args[1] === 'RL' && this.lists.waits(entry.id)) this.#request(entry.id, entry.name)
    else this.#tell(entry.id)
  }

  removed({ args }: Command): void {
    const entry = this.lists.removed(args[1] ?? '', args[2] ?? '', args[3])
    if (entry) this.#tell(entry.id)
  }

  requests(): void {
    for (const { id, name } of this.lists.waiting()) this.#request(id, name)
  }

  async #regroup(id: string, names: readonly string[]): Promise<void> {
    const { entry, guid } = this.#known(id)
    const wanted = new Set<string>()
    for (const name of names) wanted.add(this.lists.groupOf(name) ?? (await this.#newGroup(name)))
    for (const group of wanted) if (!entry.groups.has(group)) await this.#put('FL', [`C=${guid}`, group])
    for (const group of [...entry.groups]) if (!wanted.has(group)) await this.#drop('FL', guid, group)
  }

  async #newGroup(name: string): Promise<string> {
    const { args } = await this.#link().ask('ADG', [quote(name.slice(0, 61))])
    const guid = args[2]
    if (guid === undefined) throw new AdapterError('protocol', 'Messenger has made a group without a name')
    this.lists.group(guid, name)
    return guid
  }

  async #put(list: ListName, words: readonly string[]): Promise<void> {
    try {
      const { args } = await this.#link().ask('ADC', [list, ...words])
      this.lists.added(list, args.slice(2))
    } catch (error) {
      if (!(error instanceof Refused && error.code === ALREADY)) throw error
      this.lists.added(list, words)
    }
  }

  async #drop(list: ListName, who: string, group?: string): Promise<void> {
    await this.#link().ask('REM', [list, who, ...(group === undefined ? [] : [group])])
    this.lists.removed(list, who, group)
  }

  #known(id: string) {
    const entry = this.lists.get(id)
    const guid = entry?.guid
    if (!entry || guid === undefined || !this.lists.is(id, 'FL'))
      throw new AdapterError('not-found', 'They are not in the list at Messenger')
    return { entry, guid }
  }

  #request(id: string, name: string): void {
    this.#emit({ type: 'request', id, ...(name && name !== id ? { name } : {}) })
  }

  #tell(id: string): void {
    this.#emit({ type: 'contact', contact: this.lists.contact(id) })
  }
}
