import { AdapterError, Turns, type Vault } from '@parley/adapter'
import type { Answer } from './http.ts'
import { fieldsOf, listOf, parse } from './json.ts'

const REMEMBERED = 50
const OK: Answer = { status: 200, body: {} }

export interface TransactionsOptions {
  readonly kv: Vault
  event(value: unknown): Promise<void>
  ephemeral(value: unknown): void
}

/** What the homeserver hands over, one after another: each is done once, though it comes until its answer has arrived. */
export class Transactions {
  readonly #options: TransactionsOptions
  #done: string[] = []
  /** One that has stopped in its midst: how many of its events are done, which must not be heard again. */
  #half: { readonly id: string; readonly done: number } | undefined
  readonly #turns = new Turns()

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    const { kv } = this.#options
    this.#done = JSON.parse((await kv.get('transactions')) ?? '[]') as string[]
    const half = await kv.get('half a transaction')
    if (half !== undefined) this.#half = JSON.parse(half) as { id: string; done: number }
  }

  /** @throws AdapterError where the homeserver has to ask again */
  take(id: string, body: Uint8Array): Promise<Answer> {
    return this.#turns.run(() => this.#take(id, body))
  }

  async #take(id: string, body: Uint8Array): Promise<Answer> {
    const { kv, ephemeral } = this.#options
    // One that comes again has been seen: its answer was lost.
    if (this.#done.includes(id)) return OK
    const fields = fieldsOf(parse(body))
    if (!fields) return { status: 400, body: { errcode: 'M_NOT_JSON', error: 'That is no JSON' } }
    await this.#events(id, listOf(fields['events']))
    for (const name of ['ephemeral', 'de.sorunome.msc2409.ephemeral'])
      for (const event of listOf(fields[name])) ephemeral(event)
    this.#done = [...this.#done.slice(1 - REMEMBERED), id]
    await kv.set('transactions', JSON.stringify(this.#done))
    if (this.#half) await kv.set('half a transaction', undefined)
    this.#half = undefined
    return OK
  }

  /** An event that cannot be followed is passed over; where the homeserver is away, the transaction comes again. */
  async #events(id: string, events: readonly unknown[]): Promise<void> {
    let done = this.#half?.id === id ? this.#half.done : 0
    for (; done < events.length; done++) {
      try {
        await this.#options.event(events[done])
      } catch (error) {
        if (error instanceof AdapterError && error.failure !== 'transient' && error.failure !== 'limited') continue
        this.#half = { id, done }
        await this.#options.kv.set('half a transaction', JSON.stringify(this.#half))
        throw error
      }
    }
  }
}
