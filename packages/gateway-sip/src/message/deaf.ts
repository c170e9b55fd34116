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
    this.#all.add(`${what} ${id}`)
    if (this.#all.size > MOST) this.#all.delete(this.#all.keys().next().value!)
    await this.#kv.set(NAME, [...this.#all].join('\n'))
  }
}

type What = 'typing' | 'envelope'
const NAME = 'deaf'
const MOST = 5000
