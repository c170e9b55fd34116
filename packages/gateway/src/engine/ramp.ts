import type { Clock } from '@xmpp/server-core'

export interface RampLimits {
  /** Starts a second, of all hosts together. */
  readonly all: number
  /** Starts a second at one host. */
  readonly host: number
}

const LIMITS: RampLimits = { all: 100, host: 50 }
/** Starts that may come together when there was none for a while: of that many milliseconds. */
const BURST = 200
const TICK = 100
/** So many failures in a row, and a host is left alone. */
const FAILURES = 5
/** Milliseconds for which it is left alone: twice as long each time. */
const ALONE = 30_000
const ALONE_MOST = 300_000

interface Gate {
  readonly waiting: Set<() => void>
  tokens: number
  failures: number
  /** Left alone until then, on the monotonic clock. */
  shutUntil: number
  alone: number
  /** After having been left alone: one goes first. */
  probing: boolean
}

/**
 * When sessions may start: so many a second in all and at each host, so that after a restart thousands come as a ramp; and at a
 * host that has failed again and again nobody for a while, then one to see (a circuit breaker).
 */
export class Ramp {
  readonly #clock: Clock
  readonly #limits: RampLimits
  readonly #gates = new Map<string, Gate>()
  #tokens: number
  #at: number
  #stop: (() => void) | undefined

  constructor(clock: Clock, limits: RampLimits = LIMITS) {
    this.#clock = clock
    this.#limits = limits
    this.#tokens = burst(limits.all)
    this.#at = clock.monotonic()
  }

  /** How many wait for their turn. */
  get waiting(): number {
    let count = 0
    for (const gate of this.#gates.values()) count += gate.waiting.size
    return count
  }

  /** Runs `start` when it is its turn. Gives what takes it out of the queue. */
  enter(host: string, start: () => void): () => void {
    const gate = this.#gate(host)
    gate.waiting.add(start)
    this.#go()
    return () => gate.waiting.delete(start)
  }

  /** How a start at that host ended: whether the host is to blame. */
  report(host: string, ok: boolean): void {
    const gate = this.#gate(host)
    gate.probing = false
    if (ok) {
      gate.failures = 0
      gate.alone = ALONE
    } else if (++gate.failures >= FAILURES) {
      gate.shutUntil = this.#clock.monotonic() + gate.alone
      gate.alone = Math.min(ALONE_MOST, gate.alone * 2)
    }
    this.#go()
  }

  /** A start came to nothing, and it says nothing about the host. */
  release(host: string): void {
    this.#gate(host).probing = false
    this.#go()
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#gates.clear()
  }

  #gate(host: string): Gate {
    const known = this.#gates.get(host)
    if (known) return known
    const tokens = burst(this.#limits.host)
    const gate = { waiting: new Set<() => void>(), tokens, failures: 0, shutUntil: 0, alone: ALONE, probing: false }
    this.#gates.set(host, gate)
    return gate
  }

  #go(): void {
    this.#fill()
    // By turns, so that a host with thousands does not keep the others waiting.
    for (let went = true; went && this.#tokens >= 1; ) {
      went = false
      for (const gate of this.#gates.values()) if (this.#tokens >= 1 && this.#one(gate)) went = true
    }
    if (this.waiting > 0) this.#stop ??= this.#clock.every(TICK, () => this.#go())
    else {
      this.#stop?.()
      this.#stop = undefined
    }
  }

  #one(gate: Gate): boolean {
    const [start] = gate.waiting
    if (!start || gate.tokens < 1 || gate.probing || gate.shutUntil > this.#clock.monotonic()) return false
    gate.probing = gate.failures >= FAILURES
    gate.waiting.delete(start)
    gate.tokens--
    this.#tokens--
    start()
    return true
  }

  #fill(): void {
    const now = this.#clock.monotonic()
    const seconds = (now - this.#at) / 1000
    if (seconds <= 0) return
    this.#at = now
    const { all, host } = this.#limits
    this.#tokens = Math.min(burst(all), this.#tokens + all * seconds)
    for (const [name, gate] of this.#gates) {
      gate.tokens = Math.min(burst(host), gate.tokens + host * seconds)
      const isQuiet = gate.waiting.size === 0 && gate.failures === 0 && gate.tokens === burst(host)
      if (isQuiet) this.#gates.delete(name)
    }
  }
}

function burst(rate: number): number {
  return Math.max(1, (rate * BURST) / 1000)
}
