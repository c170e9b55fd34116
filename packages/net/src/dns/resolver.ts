import { randomInt } from 'node:crypto'
import { until } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { Asking } from '../discovery.ts'
import { DnsClient } from './client.ts'
import { DnsError } from './errors.ts'
import type { Answer, RecordOf, RecordType, TlsaRecord } from './records.ts'
import { nameServers } from './servers.ts'
import { findTargets, type Target, type Targets } from './targets.ts'
import { tlsaNames } from './tlsa.ts'

export interface ResolverOptions {
  readonly clock: Clock
  /** `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:5353`; those of the system when absent. The first three are asked. */
  readonly servers?: readonly string[] | undefined
  /**
   * Addresses and networks of servers that validate DNSSEC, at the end of a way that nobody can tamper with. What a server
   * on this machine says is always believed.
   */
  readonly trusted?: readonly string[]
  /** 0 ≤ n < 1, for the order of targets. */
  readonly random?: () => number
  /** Milliseconds: for one server once, and for a whole question. */
  readonly times?: { readonly try: number; readonly all: number }
}

/** Two rounds of two servers; nobody waits longer for a stream to begin. */
const TIMES = { try: 2000, all: 8000 }
const RANGE = 2 ** 32
const randomly = () => randomInt(RANGE) / RANGE

/** What DNS knows of other servers. */
export class Resolver {
  readonly #client: DnsClient
  readonly #random: () => number

  /** @throws TypeError for a server that is no address */
  constructor({ clock, servers, trusted = [], random = randomly, times = TIMES }: ResolverOptions) {
    this.#client = new DnsClient({ servers: nameServers(servers, trusted), clock, times })
    this.#random = random
  }

  /**
   * Where to open a stream to the domain, as RFC 6120 §3.2 and XEP-0368 say.
   *
   * @param domain in the form of addresses here
   * @throws DnsError `nxdomain`, `nodata`, `declined`, `badname`: there is no such server; else: nobody knows at the moment
   */
  targets(domain: string, { signal, observe }: Asking = {}): Promise<Targets> {
    const ask = (name: string) => this.#client.query(name, 'SRV')
    return until(findTargets(domain, ask, this.#random, observe), signal)
  }

  /**
   * The addresses of a host, of one family.
   *
   * @throws DnsError
   */
  async addresses(host: string, family: 4 | 6, asking: Asking = {}): Promise<Answer<string>> {
    const step = { step: 'address', host, family } as const
    try {
      const answer = await this.query(host, family === 4 ? 'A' : 'AAAA', asking)
      asking.observe?.({ ...step, addresses: answer.records, secure: answer.secure })
      return answer
    } catch (error) {
      if (error instanceof DnsError) asking.observe?.({ ...step, addresses: [], secure: error.secure, error })
      throw error
    }
  }

  /**
   * The TLSA records of a target (RFC 7673 §3.3); none where DANE does not apply: where the target, its addresses or the
   * records themselves are not authenticated.
   *
   * @throws DnsError when nobody knows whether there are any: then the target must not be used, since whoever can keep the
   *   answer from us would otherwise switch DANE off (RFC 7673 §3.3)
   */
  async tlsa(target: Target, asking: Asking = {}): Promise<readonly TlsaRecord[]> {
    for (const name of await tlsaNames(target, family =>
      this.addresses(target.host, family, { signal: asking.signal }),
    )) {
      const records = await this.#tlsa(name, asking)
      if (records.length > 0) return records
    }
    return []
  }

  /** @throws DnsError */
  query<T extends RecordType>(name: string, type: T, { signal }: Asking = {}): Promise<Answer<RecordOf[T]>> {
    return until(this.#client.query(name, type), signal)
  }

  async #tlsa(name: string, asking: Asking): Promise<readonly TlsaRecord[]> {
    try {
      const { records, secure } = await this.query(name, 'TLSA', asking)
      asking.observe?.({ step: 'tlsa', name, records, secure })
      return secure ? records : []
    } catch (error) {
      if (!(error instanceof DnsError)) throw error
      asking.observe?.({ step: 'tlsa', name, records: [], secure: error.secure, error })
      if (error.isDenial || error.code === 'badname') return []
      throw error
    }
  }
}
