import { isIP, isIPv6, type Socket } from 'node:net'
import type { Clock } from '@xmpp/server-core'
import { until } from '../abort.ts'
import type { Asking } from '../discovery.ts'
import { DnsError } from '../dns/errors.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Target, Targets } from '../dns/targets.ts'
import { Addresses } from './addresses.ts'
import { Race, type Winner } from './race.ts'
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
/** A host that does not answer at four addresses does not answer; who lists more makes nobody knock at more doors. */
const MAX_ADDRESSES = 4
const FAMILIES = [6, 4] as const

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
  #race: Race | undefined
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
      if (left < 1) {
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
    this.#race?.stop()
  }

  async #try(target: Target, ms: number): Promise<Winner | undefined> {
    const { rules, clock, observe, signal } = this.#options
    const { host, port } = target
    const refused = rules.portRefusal(port)
    if (refused) {
      observe?.({ step: 'refused', host, port, reason: refused })
      this.#fail(target, `we do not connect to port ${port}`)
      return undefined
    }
    const addresses = new Addresses(MAX_ADDRESSES)
    const failed = (address: string, reason: string) => this.#fail(target, reason, address)
    const race = new Race({ host, port, addresses, clock, stagger: this.#times.stagger, observe, failed })
    this.#race = race
    const late = clock.after(ms, () => {
      this.#fail(target, 'it took too long')
      race.stop()
    })
    const abort = () => race.stop()
    signal?.addEventListener('abort', abort, { once: true })
    const denials: DnsError[] = []
    try {
      this.#gather(target, addresses, race, denials)
      const winner = await race.result
      if (signal?.aborted) winner?.socket.destroy()
      signal?.throwIfAborted()
      // A host need not have addresses of both families.
      if (!winner && denials.length === FAMILIES.length) this.#fail(target, `${host} has no addresses`)
      return winner
    } finally {
      late()
      signal?.removeEventListener('abort', abort)
      this.#race = undefined
    }
  }

  /** Finds the addresses, and lets the race know each time that it knows more. */
  #gather(target: Target, addresses: Addresses, race: Race, denials: DnsError[]): void {
    const { host } = target
    if (isIP(host)) {
      addresses.add(isIPv6(host) ? 6 : 4, this.#allowed(target, [host]))
      race.go()
      return
    }
    for (const family of FAMILIES) addresses.expect(family)
    for (const family of FAMILIES) void this.#lookUp(target, family, addresses, race, denials)
  }

  async #lookUp(target: Target, family: 4 | 6, addresses: Addresses, race: Race, denials: DnsError[]): Promise<void> {
    const { resolver, observe, signal } = this.#options
    let found: readonly string[] = []
    try {
      const answer = await until(resolver.addresses(target.host, family, { observe }), signal)
      found = this.#allowed(target, answer.records)
    } catch (error) {
      if (error instanceof DnsError && error.isDenial) denials.push(error)
      else if (!signal?.aborted) this.#fail(target, error instanceof Error ? error.message : String(error))
    }
    addresses.add(family, found)
    if (race.isRunning) race.go()
    else if (family === 6) race.hurry()
    else race.go()
  }

  /** The addresses that may be connected to; RFC 6120 §3.2 knows no others. */
  #allowed(target: Target, addresses: readonly string[]): string[] {
    const { rules, observe } = this.#options
    const { host, port } = target
    const seen = [...new Set(addresses)].slice(0, MAX_ADDRESSES * 2)
    return seen.filter(address => {
      const reason = rules.refusal(address, port)
      if (!reason) return true
      observe?.({ step: 'refused', host, port, address, reason })
      this.#fail(target, `we do not connect to ${address}`, address)
      return false
    })
  }

  #fail({ host, port }: Target, reason: string, address?: string): void {
    this.#failures.push({ host, port, reason, ...(address !== undefined && { address }) })
  }
}
