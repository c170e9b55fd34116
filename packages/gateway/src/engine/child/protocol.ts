import type { Ask, LogLevel, SessionInit } from '../run/context.ts'
import type { WireError } from '../run/errors.ts'
import type { NetPolicy } from '../run/net.ts'
import type { RunnerCommand, WireEvent } from '../run/runner.ts'

/** How often a process says that its event loop runs (ms). */
export const PULSE = 500

/** What a process is told first. */
export interface Beginning {
  /** The module of the adapter. */
  readonly module: string
  readonly net: NetPolicy
  /** What the operator has set as secrets: they are not logged. */
  readonly secrets: readonly string[]
}

/** To the process, which has said by its first beat that it listens; in lists, a list for all that is said in a turn. `n` names a question. */
export type Down =
  | { readonly do: 'open'; readonly id: number; readonly init: SessionInit }
  | { readonly do: 'start' | 'stop'; readonly id: number; readonly n: number }
  | {
      readonly do: 'call'
      readonly id: number
      readonly n: number
      readonly name: RunnerCommand
      readonly args: readonly unknown[]
    }
  | { readonly do: 'credit'; readonly id: number; readonly count: number }
  | { readonly do: 'answer'; readonly n: number; readonly value: unknown }
  | { readonly do: 'fail'; readonly n: number }

/** From the process. */
export type Up =
  | { readonly say: 'events'; readonly id: number; readonly events: readonly WireEvent[] }
  | { readonly say: 'answer'; readonly n: number; readonly value: unknown }
  | { readonly say: 'fail'; readonly n: number; readonly error: WireError }
  | { readonly say: 'ask'; readonly id: number; readonly n: number; readonly ask: Ask }
  | {
      readonly say: 'log'
      /** Of a session; absent: of the process. */
      readonly id?: number
      readonly level: LogLevel
      readonly text: string
      readonly about?: Readonly<Record<string, unknown>>
    }
  | { readonly say: 'crash'; readonly text: string }
  /** The event loop runs; mebibytes that are held outside of the heap. */
  | { readonly say: 'beat'; readonly buffers: number }

/** Collects what is said in one turn and sends it as one message. */
export class Batch<T> {
  readonly #send: (list: readonly T[]) => void
  #list: T[] = []

  constructor(send: (list: readonly T[]) => void) {
    this.#send = send
  }

  push(item: T): void {
    if (this.#list.push(item) === 1) queueMicrotask(() => this.flush())
  }

  flush(): void {
    const list = this.#list
    if (list.length === 0) return
    this.#list = []
    this.#send(list)
  }
}

/** Questions that wait for an answer. */
export class Questions {
  readonly #waiting = new Map<
    number,
    { readonly of: number | undefined; resolve(value: unknown): void; reject(error: unknown): void }
  >()
  #last = 0

  get size(): number {
    return this.#waiting.size
  }

  /**
   * @param put gets the number of the question
   * @param of what it is about: see {@link failAll}
   */
  ask(put: (n: number) => void, of?: number): Promise<unknown> {
    const n = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { of, resolve, reject })
      put(n)
    })
  }

  answer(n: number, value: unknown): void {
    this.#waiting.get(n)?.resolve(value)
    this.#waiting.delete(n)
  }

  fail(n: number, error: unknown): void {
    this.#waiting.get(n)?.reject(error)
    this.#waiting.delete(n)
  }

  /** @param about only questions about that; absent: all */
  failAll(error: unknown, about?: number): void {
    for (const [n, { of, reject }] of this.#waiting) {
      if (about !== undefined && of !== about) continue
      this.#waiting.delete(n)
      reject(error)
    }
  }
}
