import {
  type Asking,
  checkDane,
  type DaneVerdict,
  DnsError,
  matchesPosh,
  type Posh,
  type Resolver,
  type Target,
  type TlsaRecord,
  until,
} from '@parley/net'
import { namesServer } from '@parley/wire'
import { type Awaitable, type Clock, chain, type ShownCertificates, type TlsInfo } from '@xmpp/server-core'
import { type Judgement, judge } from './trust.ts'

export interface VouchersParts {
  readonly resolver: Resolver
  readonly posh: Posh
  readonly clock: Clock
}

/** A peer waits for its features meanwhile (ms). What comes later is remembered for the next time. */
const TIME = 5000
/** Servers of a domain that are asked about when it is the domain that has connected. */
const ASKED = 4

/** Who else vouches for a certificate than authorities do: DNS (RFC 7673) and the domain's web server (RFC 7711). */
export class Vouchers {
  readonly #parts: VouchersParts

  constructor(parts: VouchersParts) {
    this.#parts = parts
  }

  /**
   * Whether a server that we have connected to is that of `domain`. Never rejects.
   *
   * @param records the TLSA records of `target` that DNSSEC vouches for: where one can be checked they decide alone
   */
  ofServer(
    tls: TlsInfo | undefined,
    domain: string,
    { target, records, observe }: { target: Target; records: readonly TlsaRecord[]; observe?: Asking['observe'] },
  ): Awaitable<Judgement> {
    const shown = tls?.shown
    const verdict = shown && this.#dane(records, shown, [domain, target.host])
    if (verdict === 'match') return { proven: true, by: 'dane' }
    if (verdict === 'mismatch') {
      const name = `_${target.port}._tcp.${target.host}`
      const why = `its certificate is not the one of the TLSA records of ${name}: they are out of date, or this is not its server`
      return { proven: false, isDenied: true, why }
    }
    return this.#byWeb(judge(tls, domain), shown, domain, observe)
  }

  /**
   * Whether a server that has connected to us is that of `domain`. Where no authority says so, DNS is asked for the servers of the
   * domain, and what they would show; a domain may connect from elsewhere, so what they would not show denies nothing. Never rejects.
   */
  ofVisitor(tls: TlsInfo | undefined, domain: string): Awaitable<Judgement> {
    const judgement = judge(tls, domain)
    const shown = tls?.shown
    if (judgement.proven || !shown || shown.chain.length === 0) return judgement
    return this.#ofVisitor(judgement, shown, domain)
  }

  /**
   * Whether what is meant for `domain` may go to a server that has connected to us and proven to be it: not where the domain has TLSA
   * records and this is none of theirs, nor where nobody can say. Asks what a stream of our own would ask. Never rejects.
   */
  async mayReceive(tls: TlsInfo | undefined, domain: string): Promise<boolean> {
    try {
      return (await this.#daneOfDomain(tls?.shown ?? { chain: [], problem: undefined }, domain)) !== 'mismatch'
    } catch (error) {
      // A domain may have no server but the one that came.
      return error instanceof DnsError && (error.isDenial || error.code === 'declined' || error.code === 'badname')
    }
  }

  async #ofVisitor(judgement: Judgement, shown: ShownCertificates, domain: string): Promise<Judgement> {
    const late = new AbortController()
    const stop = this.#parts.clock.after(TIME, () => late.abort(new Error('too late')))
    try {
      const verdict = await this.#daneOfDomain(shown, domain, late.signal).catch(() => 'unusable')
      if (verdict === 'match') return { proven: true, by: 'dane' }
      // RFC 7671 §4.1: who has such records wants nothing else to be believed.
      if (verdict === 'mismatch') return judgement
      return await this.#byWeb(judgement, shown, domain, undefined, late.signal)
    } finally {
      stop()
    }
  }

  async #daneOfDomain(shown: ShownCertificates, domain: string, signal?: AbortSignal): Promise<DaneVerdict> {
    const { resolver } = this.#parts
    const { list } = await resolver.targets(domain, { signal })
    const secure = list.filter(target => target.secure).slice(0, ASKED)
    const found = await Promise.all(secure.map(target => resolver.tlsa(target, { signal })))
    return this.#dane(found.flat(), shown, [domain, ...secure.map(({ host }) => host)])
  }

  /** @param names any of which the certificate may have: RFC 7673 §4.2 lets it be that of the domain, or of its server */
  #dane(records: readonly TlsaRecord[], { chain, problem }: ShownCertificates, names: readonly string[]): DaneVerdict {
    const [leaf] = chain
    const isNamed = leaf !== undefined && names.some(name => namesServer(leaf, name))
    return checkDane(records, chain, { isValid: problem === undefined, isNamed, now: this.#parts.clock.now() })
  }

  #byWeb(
    judgement: Judgement,
    shown: ShownCertificates | undefined,
    domain: string,
    observe?: Asking['observe'],
    signal?: AbortSignal,
  ): Awaitable<Judgement> {
    const leaf = shown?.chain[0]
    if (judgement.proven || !leaf) return judgement
    const late = new AbortController()
    const stop = this.#parts.clock.after(TIME, () => late.abort(new Error('too late')))
    const asked = until(this.#parts.posh.fingerprints(domain, { observe }), signal ?? late.signal)
    return chain(
      asked.catch(() => []),
      fingerprints => {
        stop()
        if (matchesPosh(fingerprints, leaf)) return { proven: true, by: 'posh' }
        if (fingerprints.length === 0) return judgement
        return { proven: false, why: `${judgement.why}, and it is none of those that its web server names (POSH)` }
      },
    )
  }
}
