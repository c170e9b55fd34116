import { AdapterError } from '@parley/adapter'
import { type Clock, type Logger, Rounds } from '@xmpp/server-core'
import type { AccountKey, AccountStatus } from '../engine.ts'

/** No process runs sessions: none has the role, or those that have it are away. */
export class UnservedError extends AdapterError {
  constructor() {
    super('transient', NOBODY)
  }
}

const NOBODY = 'No process serves other networks at the moment'
/** How often it is looked whether a process has come (ms). */
const LOOK = 2000

export interface UnservedParts {
  readonly clock: Clock
  readonly log: Logger
  /** Whether there is a process that would have the account. */
  isServed(key: AccountKey): Promise<boolean>
  wake(key: AccountKey): void
  changed(key: AccountKey, status: AccountStatus): void
  /** Another process says from now on how it is. */
  moved(key: AccountKey): void
}

/** Accounts that are wanted while no process runs sessions: their users see why, and they begin when one comes. */
export class Unserved {
  readonly #parts: UnservedParts
  readonly #accounts = new Map<string, { readonly key: AccountKey; readonly status: AccountStatus }>()
  readonly #stop: () => void

  constructor(parts: UnservedParts) {
    this.#parts = parts
    const { clock, log } = parts
    const rounds = new Rounds(
      () => this.#look(),
      error => log.error('it was not seen whether other networks are served again', { error }),
    )
    this.#stop = clock.every(LOOK, () => rounds.begin())
  }

  status(key: AccountKey): AccountStatus | undefined {
    return this.#accounts.get(nameOf(key))?.status
  }

  add(key: AccountKey): void {
    if (this.status(key)) return
    const status = { state: 'waiting', since: this.#parts.clock.now(), detail: NOBODY, failure: 'transient' } as const
    this.#accounts.set(nameOf(key), { key, status })
    this.#parts.changed(key, status)
  }

  /** Nobody wants it any more. */
  remove(key: AccountKey): void {
    if (this.#accounts.delete(nameOf(key))) this.#parts.changed(key, { state: 'idle', since: this.#parts.clock.now() })
  }

  /** Somebody has it. */
  leave(key: AccountKey): void {
    if (this.#accounts.delete(nameOf(key))) this.#parts.moved(key)
  }

  stop(): void {
    this.#stop()
    this.#accounts.clear()
  }

  async #look(): Promise<void> {
    const [first] = this.#accounts.values()
    if (!first || !(await this.#parts.isServed(first.key))) return
    for (const { key } of [...this.#accounts.values()]) {
      this.leave(key)
      this.#parts.wake(key)
    }
  }
}

function nameOf({ provider, owner }: AccountKey): string {
  return `${provider} ${owner}`
}
