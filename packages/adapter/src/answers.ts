import type { AdapterClock } from './context.ts'
import { AdapterError } from './errors.ts'

interface Waiting<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** Answers that the network owes us, by key. Several under one key are answered in the order of the questions. */
export class Answers<T> {
  readonly #clock: AdapterClock
  readonly #waiting = new Map<string, Waiting<T>[]>()
  #size = 0

  constructor(clock: AdapterClock) {
    this.#clock = clock
  }

  /**
   * @param ms how long to wait
   * @throws AdapterError `transient` when the time is over, `limited` where 256 questions are open
   */
  wait(key: string, ms = 20_000): Promise<T> {
    if (this.#size >= 256) return Promise.reject(new AdapterError('limited', 'Too much waits for the network', 1000))
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting<T> = {
        resolve: value => {
          cancel()
          resolve(value)
        },
        reject: error => {
          cancel()
          reject(error)
        },
      }
      const cancel = this.#clock.after(ms, () => {
        this.#drop(key, waiting)
        reject(new AdapterError('transient', 'The network has not answered in time'))
      })
      const list = this.#waiting.get(key)
      if (list) list.push(waiting)
      else this.#waiting.set(key, [waiting])
      this.#size++
    })
  }

  /** False: nobody had asked. */
  give(key: string, value: T): boolean {
    const first = this.#take(key)
    first?.resolve(value)
    return first !== undefined
  }

  refuse(key: string, error: Error): boolean {
    const first = this.#take(key)
    first?.reject(error)
    return first !== undefined
  }

  /** Nothing more will be answered. */
  end(error: Error): void {
    const all = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    this.#size = 0
    for (const waiting of all) waiting.reject(error)
  }

  #take(key: string): Waiting<T> | undefined {
    const first = this.#waiting.get(key)?.[0]
    if (first) this.#drop(key, first)
    return first
  }

  #drop(key: string, waiting: Waiting<T>): void {
    const list = this.#waiting.get(key)
    const at = list?.indexOf(waiting) ?? -1
    if (!list || at === -1) return
    list.splice(at, 1)
    this.#size--
    if (list.length === 0) this.#waiting.delete(key)
  }
}
