import { isIP, isIPv6 } from 'node:net'
import { until } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { Asking } from '../discovery.ts'
import { DnsError } from '../dns/errors.ts'
import type { Resolver } from '../dns/resolver.ts'
import { Addresses } from './addresses.ts'
import { Race, type Winner } from './race.ts'
import type { ConnectRules } from './rules.ts'

export interface AttemptOptions extends Asking {
  readonly host: string
  readonly port: number
  readonly resolver: Resolver
  readonly rules: ConnectRules
  readonly clock: Clock
  readonly stagger: number
  /** Told why there is no connection; without an address when that has nothing to do with one. */
  readonly failed: (reason: string, address?: string) => void
}

/** A host that does not answer at four addresses does not answer; who lists more makes nobody knock at more doors. */
const MAX_ADDRESSES = 4
const FAMILIES = [6, 4] as const
export const NO_ADDRESSES = 'has no addresses'

/** One target: finds its addresses, and connects to one of those that may be connected to. */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #addresses = new Addresses(MAX_ADDRESSES)
  readonly #race: Race
  /** Families of which DNS says that there is no address. */
  #absent = 0

  constructor(options: AttemptOptions) {
    const { host, port, clock, stagger, observe, failed } = options
    this.#options = options
    const told = (address: string, reason: string) => failed(reason, address)
    this.#race = new Race({ host, port, addresses: this.#addresses, clock, stagger, observe, failed: told })
  }

  /** @param ms how long it may take */
  async run(ms: number): Promise<Winner | undefined> {
    const { host, port, rules, clock, observe, failed } = this.#options
    const refused = rules.portRefusal(port)
    if (refused) {
      observe?.({ step: 'refused', host, port, reason: refused })
      failed(`we do not connect to port ${port}, which is none for XMPP`)
      return undefined
    }
    const late = clock.after(ms, () => {
      failed('no answer in time: nothing is there, or a firewall lets nothing through')
      this.#race.stop()
    })
    this.#gather()
    const winner = await this.#race.result
    late()
    // A host need not have addresses of both families.
    if (!winner && this.#absent === FAMILIES.length) failed(`${host} ${NO_ADDRESSES}`)
    return winner
  }

  /** Ends it without a connection. */
  stop(): void {
    this.#race.stop()
  }

  /** Finds the addresses, and lets the race know each time that it knows more. */
  #gather(): void {
    const { host } = this.#options
    if (isIP(host)) {
      this.#addresses.add(isIPv6(host) ? 6 : 4, this.#allowed([host]))
      this.#race.go()
      return
    }
    for (const family of FAMILIES) this.#addresses.expect(family)
    for (const family of FAMILIES) void this.#lookUp(family)
  }

  async #lookUp(family: 4 | 6): Promise<void> {
    const { host, resolver, observe, signal, failed } = this.#options
    let found: readonly string[] = []
    try {
      found = this.#allowed((await until(resolver.addresses(host, family, { observe }), signal)).records)
    } catch (error) {
      if (error instanceof DnsError && error.isDenial) this.#absent++
      else if (!signal?.aborted) failed(error instanceof Error ? error.message : String(error))
    }
    this.#addresses.add(family, found)
    if (family === 6 && !this.#race.isRunning) this.#race.hurry()
    else this.#race.go()
  }

  /** The addresses that may be connected to. */
  #allowed(addresses: readonly string[]): string[] {
    const { host, port, rules, observe, failed } = this.#options
    const looked = [...new Set(addresses)].slice(0, MAX_ADDRESSES * 2)
    return looked.filter(address => {
      const reason = rules.refusal(address, port)
      if (!reason) return true
      observe?.({ step: 'refused', host, port, address, reason })
      failed(`we do not connect to ${address}, a private address: federation.allow opens networks`, address)
      return false
    })
  }
}
