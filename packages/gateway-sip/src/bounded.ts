/** A map that forgets its oldest entries. */
export class Bounded<V> {
  readonly #most: number
  readonly #map = new Map<string, V>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    return this.#map.get(key)
  }

  set(key: string, value: V): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    if (this.#map.size > this.#most) this.#map.delete(this.#map.keys().next().value!)
  }

  delete(key: string): void {
    this.#map.delete(key)
  }

  keys(): string[] {
    return [...this.#map.keys()]
  }
}
