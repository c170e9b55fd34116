import { AdapterError, type Contact, type Context, type Event } from '@parley/adapter'
import { type Field, first, type Packet, SERVICE } from './codec.ts'
import { Friends } from './friends.ts'

/** Asks the server for a change of the list of somebody, and gives its answer. */
export type Ask = (service: number, id: string, fields: readonly Field[]) => Promise<Packet>

/** What the server cannot keep: names, and the groups of those who are ignored, who are in none there. */
interface Notes {
  readonly names: Record<string, string>
  readonly groups: Record<string, readonly string[]>
}

const NOTES = 'notes'

/** Changes the list. */
export class Editor {
  readonly friends = new Friends()
  readonly #kv: Context['kv']
  readonly #ask: Ask
  readonly #emit: (event: Event) => void
  readonly #me: () => string
  #notes: Notes = { names: {}, groups: {} }

  constructor(kv: Context['kv'], me: () => string, ask: Ask, emit: (event: Event) => void) {
    this.#kv = kv
    this.#me = me
    this.#ask = ask
    this.#emit = emit
  }

  async load(): Promise<void> {
    const notes = await this.#kv.get(NOTES)
    if (notes !== undefined) this.#notes = JSON.parse(notes) as Notes
  }

  async add(id: string, name: string, groups: readonly string[], text: string): Promise<void> {
    for (const group of groups.length > 0 ? groups : [this.friends.usual]) await this.#join(id, group, text)
    if (name) await this.#note('names', id, name)
    this.#tell(id)
  }

  async remove(id: string): Promise<void> {
    for (const group of this.friends.groupsOf(id)) await this.#leave(id, group)
    await this.#note('names', id, undefined)
    await this.#note('groups', id, undefined)
    this.#emit({ type: 'contact-gone', id })
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#note('names', id, name || undefined)
    this.#tell(id)
  }

  async regroup(id: string, groups: readonly string[]): Promise<void> {
    const before = this.friends.groupsOf(id)
    if (before.length === 0) throw new AdapterError('not-found', 'They are not in the list at Yahoo! Messenger')
    const wanted = groups.length > 0 ? groups : [this.friends.usual]
    // First into the new ones: who is in none is no friend any more.
    for (const group of wanted) if (!before.includes(group)) await this.#join(id, group, ' ')
    for (const group of before) if (!wanted.includes(group)) await this.#leave(id, group)
    this.#tell(id)
  }

  /** The server ignores nobody who is in the list: they leave it for so long. */
  async block(id: string, on: boolean): Promise<void> {
    const groups = this.friends.groupsOf(id)
    if (on && groups.length > 0) {
      await this.#note('groups', id, groups)
      for (const group of groups) await this.#leave(id, group)
    }
    await this.#change(SERVICE.ignore, id, [
      [1, this.#me()],
      [7, id],
      [13, on ? '1' : '2'],
    ])
    this.friends.ignore(id, on)
    if (!on) {
      for (const group of this.#notes.groups[id] ?? []) await this.#join(id, group, ' ')
      await this.#note('groups', id, undefined)
    }
    this.#tell(id)
  }

  contact(id: string): Contact {
    const contact = this.friends.contact(id)
    const name = this.#notes.names[id]
    const groups = contact.groups?.length ? contact.groups : (this.#notes.groups[id] ?? [])
    return { ...contact, groups, ...(name ? { name } : {}) }
  }

  all(): Contact[] {
    return this.friends.all().map(({ id }) => this.contact(id))
  }

  async #join(id: string, group: string, text: string): Promise<void> {
    await this.#change(SERVICE.addBuddy, id, [
      [1, this.#me()],
      [7, id],
      [65, clean(group)],
      [14, text],
    ])
    this.friends.join(id, clean(group))
  }

  async #leave(id: string, group: string): Promise<void> {
    await this.#change(SERVICE.removeBuddy, id, [
      [1, this.#me()],
      [7, id],
      [65, group],
    ])
    this.friends.leave(id, group)
  }

  async #change(service: number, id: string, fields: readonly Field[]): Promise<void> {
    const code = Number(first(await this.#ask(service, id, fields), 66) ?? 0)
    // 2: it is so already.
    if (code === 3) throw new AdapterError('not-found', 'Yahoo! Messenger knows nobody of that name')
    if (code !== 0 && code !== 2) throw new AdapterError('unsupported', 'Yahoo! Messenger has refused the change')
  }

  async #note<K extends keyof Notes>(kind: K, id: string, value: Notes[K][string] | undefined): Promise<void> {
    const notes = { ...this.#notes[kind] }
    if (value === undefined) delete notes[id]
    else notes[id] = value
    if (value === undefined && this.#notes[kind][id] === undefined) return
    this.#notes = { ...this.#notes, [kind]: notes }
    await this.#kv.set(NOTES, JSON.stringify(this.#notes))
  }

  #tell(id: string): void {
    this.#emit({ type: 'contact', contact: this.contact(id) })
  }
}

/** A group has no colon, comma or line break: they stand between groups and names in the list. */
const clean = (group: string) => group.replace(/[:,\r\n\0]/g, ' ').slice(0, 64)
