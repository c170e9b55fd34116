import type { Strangers } from '@xmpp/server-core'

/** What is asked of a peer in one respect. */
export type Demand = 'required' | 'optional' | 'off'

/**
 * What people of a domain may do and see here. Public networks, where anybody may be anybody, never see notes; where nobody
 * vouches for their people, these do nothing before somebody here has added them.
 */
export type PartnerType = 'federated' | 'public-verified' | 'public-unverified'

export type Direction = 'both' | 'in' | 'out'

/** How the two sides may prove who they are. */
export interface Proofs {
  readonly tls: Demand
  /** Proof by certificate: theirs to us, and ours to them (XEP-0178). */
  readonly sasl: Demand
  /** Proof by asking the domain itself (XEP-0220). Required: a certificate alone is not enough. */
  readonly dialback: Demand
}

/** How we deal with one domain. */
export interface Profile extends Proofs {
  /** `discovered`: nobody has said anything of it. */
  readonly state: 'allowed' | 'blocked' | 'discovered'
  /** Nothing comes from there, and nothing goes there. */
  readonly blocked: boolean
  readonly type: PartnerType
  readonly strangers: Strangers
  /** Stanzas come from there (`in`), go there (`out`), or both. */
  readonly direction: Direction
  /** One stream for both directions, where the other side wants it too (XEP-0288). */
  readonly bidi: boolean
  /** `host:port` instead of what DNS says. */
  readonly host: string | undefined
  /** Streams that it may have open to one process. */
  readonly streams: number
  /** The log tells of each of its streams, and the metrics of its stanzas. */
  readonly monitor: boolean
  /** Whose record holds, else the domain itself: what is limited and counted is so under this name. */
  readonly partner: string
}

/** Whether stanzas may come from there. */
export function mayCome({ blocked, direction }: Profile): boolean {
  return !blocked && direction !== 'out'
}

/** Whether stanzas may go there. */
export function mayGo({ blocked, direction }: Profile): boolean {
  return !blocked && direction !== 'in'
}
