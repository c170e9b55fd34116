import type { Json } from './maps.ts'
import type { Owner } from './owner.ts'

/** A FAST token (XEP-0484) of one client of one account. */
export interface FastToken {
  /** `next` was issued by rotation and takes the place of `current` when it is first used. */
  readonly slot: 'current' | 'next'
  /** `HT-SHA-256-EXPR` and the like. */
  readonly mechanism: string
  readonly secret: Buffer
  readonly created: number
  readonly expires: number
  /** The largest count seen (XEP-0484 §4.1); 0 before the first. */
  readonly counter: number
}

/** Tokens die with their time, with a change of password, and while the account is disabled. */
export interface FastTokens {
  /** Stores a token: as `current` where the client has none, else as `next`, replacing an unused one. False for an unknown account. */
  issue(owner: Owner, client: string, token: Pick<FastToken, 'mechanism' | 'secret' | 'expires'>): Promise<boolean>
  /** The tokens that are good now, `current` first. */
  valid(owner: Owner, client: string): Promise<FastToken[]>
  /**
   * Records a successful use; of `next`: it becomes `current`. With `counter`: false where that count is not larger than
   * the last one (a replay). False too where the token has gone meanwhile.
   */
  used(owner: Owner, client: string, slot: FastToken['slot'], counter?: number): Promise<boolean>
  /** Revokes the tokens of one client, or of all clients of the account. */
  revoke(owner: Owner, client?: string): Promise<void>
}

export interface Invite {
  /** Who made it: an account, or a host for the operator's. It goes when that account goes. */
  readonly owner: Owner
  readonly host: string
  readonly kind: 'account' | 'contact' | 'reset'
  /** `reset`: the account whose password may be set. */
  readonly subject?: Owner
  readonly expires: number
  readonly uses: number
  /** Whatever else the issuer wants to find again (groups, roster name). */
  readonly data?: Json
}

/** A stored invite. Only a digest of the token is kept, so `id` names it where the token itself is not known. */
export interface StoredInvite extends Invite {
  readonly id: string
  readonly created: number
}

export interface Invites {
  create(token: string, invite: Invite): Promise<StoredInvite>
  /** A token that is still good, without using it. */
  peek(token: string): Promise<StoredInvite | undefined>
  /** Takes one use, atomically; undefined where none is left, it is too late, or unknown. */
  consume(token: string): Promise<StoredInvite | undefined>
  /** The good ones of a host. */
  list(host: string): Promise<StoredInvite[]>
  revoke(id: string): Promise<boolean>
}

export interface TokenStore {
  readonly fast: FastTokens
  readonly invites: Invites
}
