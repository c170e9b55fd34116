import { AdapterError, type Event } from '@parley/adapter'
import { counted, Reader, short, u8, u16 } from './bytes.ts'
import { editFailure } from './failures.ts'
import { encodeItem, Feedbag, type Item, KIND, readItem } from './feedbag.ts'
import { canonical } from './id.ts'
import type { Link } from './link.ts'

const FAMILY = 0x13
const ADD = 0x08
const UPDATE = 0x09
const DELETE = 0x0a
const WANTS_AUTHORIZATION = 0x0e

/** Changes the list that the server keeps: one change after another, each in a transaction. */
export class Editor {
  readonly feedbag = new Feedbag()
  readonly #link: () => Link
  readonly #emit: (event: Event) => void
  #turn: Promise<unknown> = Promise.resolve()

  constructor(link: () => Link, emit: (event: Event) => void) {
    this.#link = link
    this.#emit = emit
  }

  async add(id: string, name: string, groups: readonly string[], text: string): Promise<void> {
    await this.#edit(async () => {
      for (const group of groups.length > 0 ? groups : [this.feedbag.usual]) await this.#join(id, group, name)
    })
    if (this.feedbag.buddies(id).some(this.feedbag.awaits))
      this.#link().tell(FAMILY, 0x18, short(id), counted(text.slice(0, 200)), u16(0))
    this.#tell(id)
  }

  async remove(id: string): Promise<void> {
    await this.#edit(async () => {
      for (const item of this.feedbag.buddies(id)) await this.#leave(item)
    })
    this.#emit({ type: 'contact-gone', id })
  }

  async rename(id: string, name: string): Promise<void> {
    this.#known(id)
    await this.#edit(async () => {
      for (const item of this.feedbag.buddies(id)) await this.#change(UPDATE, this.feedbag.renamed(item, name || id))
    })
    this.#tell(id)
  }

  async regroup(id: string, groups: readonly string[]): Promise<void> {
    this.#known(id)
    const wanted = groups.length > 0 ? groups : [this.feedbag.usual]
    await this.#edit(async () => {
      const before = this.feedbag.buddies(id)
      const name = this.feedbag.contact(id).name ?? ''
      const has = before.map(({ group }) => this.feedbag.groupName(group))
      for (const group of wanted) if (!has.includes(group)) await this.#join(id, group, name)
      for (const [at, item] of before.entries()) if (!wanted.includes(has[at] ?? '')) await this.#leave(item)
    })
    this.#tell(id)
  }

  async block(id: string, on: boolean): Promise<void> {
    const denied = this.feedbag.denied(id)
    await this.#edit(async () => {
      if (!on && denied) await this.#change(DELETE, denied)
      if (!on || denied) return
      const privacy = this.feedbag.denying()
      if (privacy) await this.#change(privacy.fresh ? ADD : UPDATE, privacy.item)
      await this.#change(ADD, this.feedbag.newDenial(id))
    })
    this.#tell(id)
  }

  answer(id: string, yes: boolean): void {
    this.#link().tell(FAMILY, 0x1a, short(id), u8(yes ? 1 : 0), counted(''))
  }

  /** SNAC(13,1B): somebody has answered our request. */
  async answered(id: string, yes: boolean): Promise<void> {
    if (yes)
      await this.#edit(async () => {
        for (const item of this.feedbag.buddies(id)) await this.#change(UPDATE, this.feedbag.authorized(item))
      })
    const contact = this.feedbag.contact(id)
    this.#emit({ type: 'contact', contact: yes ? contact : { ...contact, subscription: 'none', asked: false } })
  }

  /** Another program of the user has changed the list. @throws AdapterError where it is no list */
  changed(subtype: number, data: Buffer): void {
    const reader = new Reader(data)
    while (reader.left > 0) {
      const item = readItem(reader)
      this.#keep(subtype, item)
      const id = canonical(item.name)
      if (id === undefined || (item.kind !== KIND.buddy && item.kind !== KIND.deny)) continue
      if (this.feedbag.buddies(id).length > 0 || this.feedbag.denied(id)) this.#tell(id)
      else this.#emit({ type: 'contact-gone', id })
    }
  }

  /** One after another: what is changed depends on what is there. */
  async #edit(work: () => Promise<void>): Promise<void> {
    const before = this.#turn
    const now = (async () => {
      await before.catch(() => undefined)
      this.#link().tell(FAMILY, 0x11)
      await work().finally(() => this.#link().tell(FAMILY, 0x12))
    })()
    this.#turn = now
    await now
  }

  async #join(id: string, groupName: string, name: string): Promise<void> {
    let group = this.feedbag.group(groupName)
    if (!group) {
      group = this.feedbag.newGroup(groupName.slice(0, 48))
      const first = this.feedbag.of(KIND.group).every(item => item.group !== 0)
      if (first) await this.#change(ADD, { ...this.feedbag.withMembers(0), name: '' })
      await this.#change(ADD, group)
      await this.#change(UPDATE, this.feedbag.withMembers(0))
    }
    const plain = this.feedbag.newBuddy(id, group.group, name || undefined, false)
    const code = await this.#try(ADD, plain)
    if (code === WANTS_AUTHORIZATION)
      await this.#change(ADD, this.feedbag.newBuddy(id, group.group, name || undefined, true))
    else if (code !== 0) throw editFailure(code)
    await this.#change(UPDATE, this.feedbag.withMembers(group.group))
  }

  async #leave(item: Item): Promise<void> {
    await this.#change(DELETE, item)
    await this.#change(UPDATE, this.feedbag.withMembers(item.group))
  }

  async #change(subtype: number, item: Item): Promise<void> {
    const code = await this.#try(subtype, item)
    if (code !== 0) throw editFailure(code)
  }

  async #try(subtype: number, item: Item): Promise<number> {
    const { data } = await this.#link().ask(FAMILY, subtype, encodeItem(item))
    const code = new Reader(data).word()
    if (code === 0) this.#keep(subtype, item)
    return code
  }

  #keep(subtype: number, item: Item): void {
    if (subtype === DELETE) this.feedbag.delete(item)
    else this.feedbag.set(item)
  }

  #known(id: string): void {
    if (this.feedbag.buddies(id).length === 0)
      throw new AdapterError('not-found', 'They are not in the list at AIM or ICQ')
  }

  #tell(id: string): void {
    this.#emit({ type: 'contact', contact: this.feedbag.contact(id) })
  }
}
