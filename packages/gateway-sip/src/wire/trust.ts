import { Challenger } from './digest.ts'
import { unbracket } from './hop.ts'
import type { Request } from './message.ts'
import type { Source } from './transports.ts'

export interface TrustRules {
  /** Addresses and names of certificates. */
  readonly trusted: readonly string[]
  /** A good certificate speaks for the domains that it names. */
  readonly certified: boolean
  /** Under which others prove who they are. */
  readonly peer: { readonly username: string; readonly password: string } | undefined
  readonly realm: string
}

/** For whom the sender of a request may speak: everybody, some domains; or how it is refused (threat 155). */
export type Trust =
  | { readonly speaks: 'all' }
  | { readonly speaks: ReadonlySet<string> }
  | { readonly refused: 403 }
  | { readonly refused: 407; readonly challenges: readonly string[] }

export class TrustCheck {
  readonly #trusted: ReadonlySet<string>
  readonly #certified: boolean
  readonly #challenger: Challenger | undefined

  constructor(rules: TrustRules, now: () => number) {
    this.#trusted = new Set(rules.trusted.map(one => unbracket(one.trim().toLowerCase())).filter(one => one !== ''))
    this.#certified = rules.certified
    this.#challenger = rules.peer && new Challenger(rules.realm, rules.peer, now)
  }

  of(request: Request, source: Source): Trust {
    if (
      this.#trusted.has(source.host.toLowerCase()) ||
      source.names.some(name => this.#trusted.has(name.toLowerCase()))
    )
      return { speaks: 'all' }
    if (this.#certified && source.names.length > 0)
      return { speaks: new Set(source.names.map(name => name.toLowerCase())) }
    if (!this.#challenger) return { refused: 403 }
    const proof = request.headers.get('proxy-authorization')
    const result = proof === undefined ? 'wrong' : this.#challenger.check(proof, request)
    return result === 'right'
      ? { speaks: 'all' }
      : { refused: 407, challenges: this.#challenger.challenges(result === 'stale') }
  }
}
