import { asciiDomain } from '@parley/jid'
import { until } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { Asking, Observe } from '../discovery.ts'
import { ExpiringCache } from './cache.ts'
import { type Fingerprint, type PoshDocument, readPosh } from './posh-document.ts'

export interface Fetched {
  readonly status: number
  /** The `Location` of a redirection. */
  readonly location?: string | undefined
  readonly body: Buffer
}

/** Gets one document over HTTPS, whose server proved its name; follows nothing. Rejects for what it cannot get. */
export type Fetcher = (
  url: URL,
  asking: { readonly signal: AbortSignal; readonly observe?: Observe },
) => Promise<Fetched>

/** Somebody waits for the stream. */
const TIME = 15_000
/** Redirections of one document; a reference to another document is followed once (RFC 7711 §3.2). */
const MAX_REDIRECTS = 3
/** Seconds that a document is believed at most, whatever it says: who changes certificates need not wait for a week. */
const MAX_TIME = 86_400
/** Seconds that nobody asks again where there was none. */
const NONE_TIME = 300
const CACHE_SIZE = 1000
/** Documents that are fetched at the same time. */
const AT_ONCE = 50

/** A reason in words why there is no document. */
class PoshError extends Error {}

/** RFC 7711: certificates that a domain names on its web server, for whoever hosts it. */
export class Posh {
  readonly #fetch: Fetcher
  readonly #clock: Clock
  readonly #known: ExpiringCache<readonly Fingerprint[]>
  readonly #asked = new Map<string, Promise<readonly Fingerprint[]>>()

  constructor({ fetch, clock }: { readonly fetch: Fetcher; readonly clock: Clock }) {
    this.#fetch = fetch
    this.#clock = clock
    this.#known = new ExpiringCache(CACHE_SIZE, clock)
  }

  /**
   * The certificates that the domain's server may show, for `matchesPosh`; none where the domain says nothing.
   *
   * @param domain in the form of addresses here
   */
  async fingerprints(domain: string, { signal, observe }: Asking = {}): Promise<readonly Fingerprint[]> {
    const known = this.#known.get(domain) ?? this.#asked.get(domain)
    // Anybody can name domains to be asked for: who comes when that many are asked is told what a domain without POSH is told.
    if (!known && this.#asked.size >= AT_ONCE) return []
    return until(Promise.resolve(known ?? this.#ask(domain, observe)), signal)
  }

  #ask(domain: string, observe: Observe | undefined): Promise<readonly Fingerprint[]> {
    const late = new AbortController()
    const stop = this.#clock.after(TIME, () => late.abort(new PoshError('it took too long')))
    const asking = this.#load(domain, late.signal, observe)
      .then(({ fingerprints, expires }) => {
        this.#known.set(domain, fingerprints, expires)
        return fingerprints
      })
      .finally(() => {
        stop()
        this.#asked.delete(domain)
      })
    this.#asked.set(domain, asking)
    return asking
  }

  async #load(domain: string, signal: AbortSignal, observe: Observe | undefined) {
    const none = { fingerprints: [], expires: NONE_TIME }
    const host = asciiDomain(domain)
    if (host === undefined) return none
    let url = `https://${host}/.well-known/posh/xmpp-server.json`
    let expires = MAX_TIME
    try {
      for (const isReference of [false, true]) {
        const document = await until(this.#get(url, signal, observe), signal)
        // RFC 7711 §3.2: the shorter of both times.
        expires = Math.min(expires, document.expires)
        if ('fingerprints' in document) {
          observe?.({ step: 'posh', url, result: 'found' })
          return { fingerprints: document.fingerprints, expires }
        }
        if (isReference) throw new PoshError('a reference leads to another reference')
        observe?.({ step: 'posh', url, result: 'reference' })
        url = document.url
      }
    } catch (error) {
      // Whatever stands in the way, the domain has not named any certificate.
      observe?.({ step: 'posh', url, result: 'failed', error: error instanceof Error ? error.message : String(error) })
    }
    return none
  }

  async #get(start: string, signal: AbortSignal, observe: Observe | undefined): Promise<PoshDocument> {
    let url = secureUrl(start)
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const { status, location, body } = await this.#fetch(url, { signal, ...(observe && { observe }) })
      if (status === 200) {
        const document = readPosh(body)
        if (!document) throw new PoshError('it is no document of POSH')
        return document
      }
      if (status < 300 || status > 399 || location === undefined) throw new PoshError(`the web server says ${status}`)
      observe?.({ step: 'posh', url: url.href, result: 'redirect' })
      url = secureUrl(location, url)
    }
    throw new PoshError('it is redirected too often')
  }
}

/** Only HTTPS says who answers (RFC 7711 §3). */
function secureUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined
  if (url?.protocol !== 'https:' || url.username || url.password) throw new PoshError(`${text} is no HTTPS address`)
  return url
}
