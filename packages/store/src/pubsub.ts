import type { Json } from './maps.ts'
import type { Owner } from './owner.ts'

export type Affiliation = 'owner' | 'publisher' | 'publish-only' | 'member' | 'outcast'
/** Options of a node or of a subscription, by the names of their fields. */
export type PubsubOptions = { readonly [name: string]: Json }

export interface PubsubSubscription {
  /** As it was subscribed: bare, or with a resource. */
  readonly jid: string
  readonly subid: string
  readonly state: 'subscribed' | 'pending'
  readonly options: PubsubOptions
}

/** A subscription that waits for an owner to allow it. */
export interface PubsubRequest {
  readonly node: string
  readonly jid: string
  readonly subid: string
}

/** A node and who has to do with it; where it was read for one address, only what concerns that one. */
export interface PubsubNode {
  readonly owner: Owner
  readonly node: string
  readonly config: PubsubOptions
  /** Milliseconds since 1970. */
  readonly created: number
  /** By bare JID. */
  readonly affiliations: ReadonlyMap<string, Affiliation>
  readonly subscriptions: readonly PubsubSubscription[]
}

export interface PubsubItem {
  readonly id: string
  /** Full JID of whoever published it last. */
  readonly publisher: string
  /** XML of the one payload element; '' where there is none. */
  readonly payload: string
  /** Milliseconds since 1970. */
  readonly published: number
}

/** Which items of a node are wanted: the newest come first. */
export interface PubsubPage {
  readonly limit: number
  /** Characters of payload in all; the first item always fits. */
  readonly chars: number
  /** Only what was published later (ms). */
  readonly since?: number
  readonly after?: string
  readonly before?: string
  readonly offset?: number
}

/** Who gets the affiliation `owner` of a new node, by bare JID, and of how many nodes of the service at most. */
export interface PubsubCreator {
  readonly jid: string
  readonly max: number
}

/** What a change does, in one transaction. */
export interface PubsubChange {
  /** For a node that is not there: its options, how many nodes the owner may have, and whose it becomes. */
  readonly create?: { readonly config: PubsubOptions; readonly max: number; readonly by?: PubsubCreator }
  readonly config?: PubsubOptions
  readonly publish?: PubsubItem
  /** How many items stay, the newest; older ones than `since` (ms) go too. With `publish` and `config`. */
  readonly keep?: { readonly max: number; readonly since: number }
  readonly retract?: readonly string[]
  readonly purge?: true
  readonly delete?: true
  /** By bare JID; `none` takes one away. */
  readonly affiliations?: ReadonlyMap<string, Affiliation | 'none'>
  /** JIDs as they were subscribed; they go before others come. */
  readonly unsubscribe?: readonly string[]
  readonly subscribe?: readonly PubsubSubscription[]
}

/** What is there when a change is decided. */
export interface PubsubSeen {
  readonly node: PubsubNode | undefined
  /** Of the items that the change is about and that are there: who published them. */
  readonly publishers: ReadonlyMap<string, string>
}

/** Publish-subscribe (XEP-0060) of accounts and services, each the owner of its nodes. */
export interface PubsubStore {
  /**
   * Changes a node, alone with it, whichever process asks: `decide` sees it, with the publishers of `items`, and says what to
   * do; what it throws leaves everything as it was. Gives what was there before and the ids of items that gave way to newer
   * ones. Rejects with `full` where the owner, or who makes the node, may have no more nodes.
   */
  change(
    owner: Owner,
    node: string,
    items: readonly string[],
    decide: (seen: PubsubSeen) => PubsubChange,
  ): Promise<readonly string[]>
  /**
   * As {@link change}, for what most often does nothing but publish: a node that nobody has changed meanwhile is not read
   * again. `decide` may be asked twice, and hears of no publishers.
   */
  publish(owner: Owner, node: string, decide: (seen: PubsubSeen) => PubsubChange): Promise<readonly string[]>
  /** The node, as far as it concerns `bare`. */
  node(owner: Owner, node: string, bare: string): Promise<PubsubNode | undefined>
  /** All nodes of the owner by name, as far as they concern `bare`; `limit` at most. */
  nodes(owner: Owner, bare: string, limit: number): Promise<PubsubNode[]>
  /** Nodes of the owner where `bare` has an affiliation or a subscription, by name; `limit` at most. */
  related(owner: Owner, bare: string, limit: number): Promise<PubsubNode[]>
  /** Who waits to be let in at any of these nodes; `limit` at most. */
  pending(owner: Owner, nodes: readonly string[], limit: number): Promise<PubsubRequest[]>
  /** A page of items, newest first, and how many there are in all; undefined where `after` or `before` is no item. */
  items(
    owner: Owner,
    node: string,
    page: PubsubPage,
  ): Promise<{ readonly items: PubsubItem[]; readonly count: number; readonly index: number } | undefined>
  /** Those of these ids that are there. */
  itemsById(owner: Owner, node: string, ids: readonly string[], since?: number): Promise<PubsubItem[]>
  /**
   * The newest item of each of these nodes of each of these owners, with the node as far as it concerns `bare`; what would
   * make more than so many characters of payload is left out.
   */
  latest(
    owners: readonly Owner[],
    nodes: readonly string[],
    bare: string,
    chars: number,
  ): Promise<{ readonly node: PubsubNode; readonly item: PubsubItem }[]>
}
