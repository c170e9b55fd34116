import type { Vault } from '@parley/adapter'

/** What some peers cannot hear: typing, envelopes. They have said so once (415), and are not sent it again. */
export class Deaf {
  readonly #kv: Vault
  #all = new Set<string>()

  constructor(kv: Vault) {
    this.#kv = kv
  }

  async load(): Promise<void> {
    const text = await this.#kv.get(NAME)
    this.#all = new Set(text === undefined ? [] : text.split('\n'))
  }

  has(id: string, what: What): boolean {
    return this.#all.has(`${what} ${id}`)
  }

  async add(id: string, what: What): Promise<void> {
    if (this.has(id, what)) return
    const all = [...this.#all, `${what} ${id}`]
    let length = all.reduce((sum, one) => sum + one.length + 1, 0)
    // The oldest are forgotten: they say it again.
    while (length > MOST) length -= all.shift()!.length + 1
    this.#all = new Set(all)
    await this.#kv.set(NAME, all.join('\n'))
  }
}

type What = 'typing' | 'envelope'
const NAME = 'deaf'
/** Characters: what a vault takes, and a little less. */
const MOST = 60_000
