import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { cut } from './headers.ts'
import { parseParams, quote } from './uri.ts'

/** RFC 8760 beside RFC 2617 as RFC 3261 §22 has it: the better one first. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['md5', 'md5'],
])
export const ALGORITHM_NAMES = ['SHA-256', 'MD5'] as const

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** What a Digest header says; undefined where it is another scheme. */
export function parseDigest(text: string): ReadonlyMap<string, string> | undefined {
  const match = /^\s*digest\s+/i.exec(text)
  return match ? parseParams(cut(text.slice(match[0].length), ',')) : undefined
}

/** Answers the best of some challenges; undefined where none can be. */
export function answerChallenge(
  challenges: readonly string[],
  request: { readonly method: string; readonly target: string },
  who: Credentials,
  cnonce: string = randomBytes(8).toString('hex'),
): string | undefined {
  const known = challenges
    .map(parseDigest)
    .filter(challenge => challenge?.has('nonce') && ALGORITHMS.has(algorithmOf(challenge)))
    .sort((a, b) => rank(a!) - rank(b!))[0]
  if (!known) return undefined
  const qop = known
    .get('qop')
    ?.split(',')
    .some(one => one.trim().toLowerCase() === 'auth')
    ? 'auth'
    : undefined
  // §22.4: a challenge that offers no protection we have is not to be answered with less.
  if (!qop && known.has('qop')) return undefined
  const nonce = known.get('nonce')!
  const realm = known.get('realm') ?? ''
  const nc = '00000001'
  const response = digest(algorithmOf(known), { ...who, realm, nonce, qop, nc, cnonce, ...request })
  const opaque = known.get('opaque')
  return [
    `Digest username=${quote(who.username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(request.target)}`,
    `response="${response}"`,
    `algorithm=${known.get('algorithm') ?? 'MD5'}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(qop ? [`qop=auth, nc=${nc}, cnonce="${cnonce}"`] : []),
  ].join(', ')
}

const algorithmOf = (challenge: ReadonlyMap<string, string>) => (challenge.get('algorithm') ?? 'MD5').toLowerCase()
const rank = (challenge: ReadonlyMap<string, string>) => [...ALGORITHMS.keys()].indexOf(algorithmOf(challenge))

interface Parts extends Credentials {
  readonly realm: string
  readonly nonce: string
  readonly qop: string | undefined
  readonly nc: string
  readonly cnonce: string
  readonly method: string
  readonly target: string
}

export function digest(algorithm: string, parts: Parts): string {
  const hash = (text: string) => createHash(ALGORITHMS.get(algorithm)!).update(text).digest('hex')
  const secret = hash(`${parts.username}:${parts.realm}:${parts.password}`)
  const what = hash(`${parts.method}:${parts.target}`)
  const middle = parts.qop ? `${parts.nonce}:${parts.nc}:${parts.cnonce}:${parts.qop}` : parts.nonce
  return hash(`${secret}:${middle}:${what}`)
}

/** How long a challenge may be answered (ms). */
const FRESH = 300_000
const MOST_NONCES = 10_000

/** Asks others for proof, and remembers how often each question was answered, so that an answer that was overheard is worth nothing. */
export class Challenger {
  readonly #realm: string
  readonly #who: Credentials
  readonly #now: () => number
  readonly #key = randomBytes(32)
  readonly #counts = new Map<string, number>()

  constructor(realm: string, who: Credentials, now: () => number) {
    this.#realm = realm
    this.#who = who
    this.#now = now
  }

  /** Values for Proxy-Authenticate, one for each algorithm. */
  challenges(stale: boolean): string[] {
    const at = this.#now().toString(36)
    const salt = randomBytes(6).toString('hex')
    const nonce = `${at}.${salt}.${this.#seal(`${at}.${salt}`)}`
    return ALGORITHM_NAMES.map(
      name =>
        `Digest realm=${quote(this.#realm)}, nonce="${nonce}", algorithm=${name}, qop="auth"${stale ? ', stale=true' : ''}`,
    )
  }

  /** `stale`: right, but an old question. */
  check(
    authorization: string,
    request: { readonly method: string; readonly target: string },
  ): 'right' | 'wrong' | 'stale' {
    const said = parseDigest(authorization)
    const algorithm = said && algorithmOf(said)
    if (!said || !algorithm || !ALGORITHMS.has(algorithm)) return 'wrong'
    const nonce = said.get('nonce') ?? ''
    const nc = said.get('nc') ?? ''
    const [at = '', salt = '', seal = ''] = nonce.split('.')
    if (!same(seal, this.#seal(`${at}.${salt}`)) || said.get('qop') !== 'auth' || !/^[0-9a-f]{8}$/i.test(nc))
      return 'wrong'
    if (said.get('username') !== this.#who.username || said.get('realm') !== this.#realm) return 'wrong'
    const uri = said.get('uri') ?? ''
    const right = digest(algorithm, {
      ...this.#who,
      realm: this.#realm,
      nonce,
      qop: 'auth',
      nc,
      cnonce: said.get('cnonce') ?? '',
      method: request.method,
      target: uri,
    })
    if (uri !== request.target || !same(said.get('response') ?? '', right)) return 'wrong'
    const count = Number.parseInt(nc, 16)
    if (this.#now() - Number.parseInt(at, 36) > FRESH || count <= (this.#counts.get(nonce) ?? 0)) return 'stale'
    if (this.#counts.size >= MOST_NONCES) this.#counts.delete(this.#counts.keys().next().value!)
    this.#counts.set(nonce, count)
    return 'right'
  }

  #seal(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex').slice(0, 32)
  }
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
