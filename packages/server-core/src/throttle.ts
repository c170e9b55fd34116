import type { Clock } from '@parley/net'

interface Bucket {
  tokens: number
  at: number
}

/** Keys that are remembered; the oldest are forgotten first. */
const KEYS = 20_000
const MINUTE = 60_000

/** So many events of one key in a minute, on average, all at once at most. 0 is no limit. */
export class Throttle {
  readonly #clock: Clock
  readonly #perMinute: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock
    this.#perMinute = perMinute
  }

  /** Whether one more event of that key is within the limit. Counts nothing. */
  allows(key: string): boolean {
    return this.#perMinute === 0 || this.#filled(key) >= 1
  }

  /** Counts an event. */
  count(key: string): void {
    if (this.#perMinute === 0) return
    const tokens = this.#filled(key) - 1
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: Math.max(tokens, 0), at: this.#clock.monotonic() })
    if (this.#buckets.size > KEYS) {
      const oldest = this.#buckets.keys().next().value
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
  }

  /** Counts an event where it is within the limit. */
  take(key: string): boolean {
    const allowed = this.allows(key)
    if (allowed) this.count(key)
    return allowed
  }

  forgive(key: string): void {
    this.#buckets.delete(key)
  }

  #filled(key: string): number {
    const bucket = this.#buckets.get(key)
    if (!bucket) return this.#perMinute
    const refill = ((this.#clock.monotonic() - bucket.at) * this.#perMinute) / MINUTE
    return Math.min(this.#perMinute, bucket.tokens + refill)
  }
}

/** What counts as one address: an IPv4 address, or the /64 network of an IPv6 one. */
export function networkOf(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::') as [string, string | undefined]
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return `${[...left, ...middle, ...right].slice(0, 4).join(':')}::/64`
}
