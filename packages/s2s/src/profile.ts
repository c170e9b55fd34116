/** What is asked of a peer in one respect. */
export type Demand = 'required' | 'optional' | 'off'

/** How we deal with one domain. */
export interface Profile {
  /** Nothing comes from there, and nothing goes there. */
  readonly blocked: boolean
  readonly tls: Demand
  /** Proof by certificate: theirs to us, and ours to them (XEP-0178). */
  readonly sasl: Demand
  /** Proof by asking the domain itself (XEP-0220). */
  readonly dialback: Demand
  /** One stream for both directions, where the other side wants it too (XEP-0288). */
  readonly bidi: boolean
  /** `host:port` instead of what DNS says. */
  readonly host: string | undefined
}
