import type { Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import type { Asking } from '../discovery.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Target, Targets } from '../dns/targets.ts'
import { Attempt } from './attempt.ts'
import type { Winner } from './race.ts'
import type { ConnectRules } from './rules.ts'

/** Milliseconds. */
export interface ConnectTimes {
  /** Before the next address is tried while one does not answer (RFC 8305 §5). */
  readonly stagger: number
  /** For one target: its addresses and the connection. */
  readonly target: number
  /** For all targets, counted from the start; what is done with their connections counts too. */
  readonly all: number
}

export interface ConnectOptions extends Asking {
  readonly resolver: Resolver
  readonly rules: ConnectRules
  readonly clock: Clock
  readonly times?: Partial<ConnectTimes>
}

/** A connection on which nothing has been said yet; nobody listens to it. */
export interface Connection {
  readonly socket: Socket
  readonly target: Target
  readonly address: string
  /** TLS comes at once (XEP-0368). */
  readonly direct: boolean
}

export interface ConnectFailure {
  readonly host: string
  readonly port: number
  readonly address?: string
  readonly reason: string
}

const TIMES: ConnectTimes = { stagger: 250, target: 15_000, all: 45_000 }
/** In less time than that, in milliseconds, nobody is found and connected to: it is as if there were none. */
const WORTHWHILE = 50

/**
 * Connects to the targets one after another, for as long as it is asked for another connection.
 *
 *     const attempts = connectTo(await resolver.targets('example.org'), { resolver, rules, clock })
 *     let next: Connection | undefined
 *     while ((next = await attempts.next())) {
 *       if (await openStream(next)) break
 *       next.socket.destroy()
 *     }
 */
export function connectTo(targets: Pick<Targets, 'list'>, options: ConnectOptions): Attempts {
  return new Attempts(targets.list, options)
}

export class Attempts {
  readonly #targets: readonly Target[]
  readonly #options: ConnectOptions
  readonly #times: ConnectTimes
  readonly #until: number
  #index = 0
  #attempt: Attempt | undefined
  readonly #failures: ConnectFailure[] = []
  #isStopped = false

  constructor(targets: readonly Target[], options: ConnectOptions) {
    this.#targets = targets
    this.#options = options
    this.#times = { ...TIMES, ...options.times }
    this.#until = options.clock.monotonic() + this.#times.all
  }

  /** Why there was no connection, in the order in which it happened. */
  get failures(): readonly ConnectFailure[] {
    return this.#failures
  }

  /**
   * The next connection; undefined when there is none any more. One call at a time.
   *
   * @throws the reason of the signal
   */
  async next(): Promise<Connection | undefined> {
    const { signal, clock } = this.#options
    while (!this.#isStopped) {
      signal?.throwIfAborted()
      const target = this.#targets[this.#index++]
      if (!target) return undefined
      const left = Math.min(this.#times.target, this.#until - clock.monotonic())
      if (left < WORTHWHILE) {
        this.#fail(target, 'there is no time left')
        return undefined
      }
      const winner = await this.#try(target, left)
      if (winner) return { ...winner, target, direct: target.direct }
    }
    return undefined
  }

  /** Ends what is under way: nothing comes any more. Connections that were given away stay. */
  stop(): void {
    this.#isStopped = true
    this.#attempt?.stop()
  }

  async #try(target: Target, ms: number): Promise<Winner | undefined> {
    const { resolver, rules, clock, observe, signal } = this.#options
    const { host, port } = target
    const failed = (reason: string, address?: string) => this.#fail(target, reason, address)
    const { stagger } = this.#times
    const attempt = new Attempt({ host, port, resolver, rules, clock, stagger, observe, signal, failed })
    this.#attempt = attempt
    const abort = () => attempt.stop()
    signal?.addEventListener('abort', abort, { once: true })
    const winner = await attempt.run(ms)
    signal?.removeEventListener('abort', abort)
    if (signal?.aborted) winner?.socket.destroy()
    signal?.throwIfAborted()
    return winner
  }

  #fail({ host, port }: Target, reason: string, address?: string): void {
    this.#failures.push({ host, port, reason, ...(address !== undefined && { address }) })
  }
}
