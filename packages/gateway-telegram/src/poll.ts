import { type AdapterClock, AdapterError, type Vault } from '@parley/adapter'
import type { Api } from './api.ts'
import { fieldsOf, listOf, numberOf } from './json.ts'
import { KINDS } from './updates.ts'

const AT_ONCE = 50
/** Failures in a row; then the session ends, and the core begins another one. */
const FAILURES = 5
const LEAST = 1000

export interface PollOptions {
  readonly api: Api
  readonly kv: Vault
  readonly clock: AdapterClock
  readonly seconds: number
  update(update: unknown): Promise<void>
  /** Whether the network answers. */
  well(well: boolean): void
  ended(error: AdapterError): void
}

/**
 * Asks for news, one question at a time. What has been handled is kept before the network hears of it: nothing is lost, and what
 * comes again after a fault in between has the same ids.
 */
export class Poll {
  readonly #options: PollOptions
  #over = false
  #wake: () => void = () => {}
  #offset: number | undefined

  constructor(options: PollOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { kv, clock, well, ended } = this.#options
    const kept = await kv.get('offset')
    this.#offset = kept === undefined ? undefined : Number(kept)
    let failures = 0
    while (!this.#over) {
      const begun = clock.now()
      try {
        const count = await this.#ask()
        if (failures > 0) well(true)
        failures = 0
        // A server that does not wait must not be asked without end.
        if (count === 0 && clock.now() - begun < LEAST) await this.#pause(LEAST)
      } catch (error) {
        if (this.#over) return
        const reason = error instanceof AdapterError ? error : new AdapterError('protocol', 'Telegram makes no sense')
        const passes = reason.failure === 'transient' || reason.failure === 'limited'
        if (!passes || ++failures >= FAILURES) {
          ended(reason)
          return
        }
        if (failures === 1) well(false)
        await this.#pause(reason.retryAfter ?? LEAST * 2 ** (failures - 1))
      }
    }
  }

  stop(): void {
    this.#over = true
    this.#wake()
  }

  async #ask(): Promise<number> {
    const { api, kv, seconds, update } = this.#options
    const offset = this.#offset === undefined ? {} : { offset: this.#offset }
    const parameters = { ...offset, timeout: seconds, limit: AT_ONCE, allowed_updates: KINDS }
    const updates = listOf(await api.call('getUpdates', parameters, seconds))
    let count = 0
    for (const each of updates) {
      if (this.#over) break
      const number = numberOf(fieldsOf(each)?.['update_id'])
      if (number === undefined || (this.#offset !== undefined && number < this.#offset)) continue
      await update(each)
      // What a session that was stopped meanwhile has said may have been heard by nobody: it comes again.
      if (this.#over) break
      this.#offset = number + 1
      count++
    }
    if (count > 0) await kv.set('offset', String(this.#offset))
    return count
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const cancel = this.#options.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
