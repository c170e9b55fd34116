import type { Awaitable } from '@xmpp/server-core'

/**
 * Values by key that are read when first asked for, `most` at a time. Whoever changes one calls {@link forget} behind
 * that, on every node; what was being read just then is given to those who wait for it, but not kept.
 */
export class ToldCache<T> {
  readonly #read: (key: string) => Promise<T>
  readonly #most: number
  readonly #values = new Map<string, T>()
  readonly #reads = new Map<string, Promise<T>>()

  constructor(most: number, read: (key: string) => Promise<T>) {
    this.#most = most
    this.#read = read
  }

  get(key: string): Awaitable<T> {
    return this.#values.get(key) ?? this.#reads.get(key) ?? this.#fetch(key)
  }

  forget(key: string): void {
    this.#values.delete(key)
    this.#reads.delete(key)
  }

  #fetch(key: string): Promise<T> {
    const reading = this.#read(key).then(
      value => {
        if (this.#reads.get(key) === reading) this.#keep(key, value)
        return value
      },
      (error: unknown) => {
        if (this.#reads.get(key) === reading) this.#reads.delete(key)
        throw error
      },
    )
    this.#reads.set(key, reading)
    return reading
  }

  #keep(key: string, value: T): void {
    this.forget(key)
    this.#values.set(key, value)
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!)
  }
}
