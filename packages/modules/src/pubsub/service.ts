import type { Jid } from '@parley/jid'
import type { PubsubNode, PubsubOptions, PubsubStore } from '@parley/store'
import type { Element } from '@parley/xml'
import type { Asked, Awaitable } from '@xmpp/server-core'

/** How the asker stands to the owner of the nodes: what access models look at (XEP-0060 §4.5). */
export interface Standing {
  readonly owns: boolean
  /** May see the owner's presence. */
  readonly watches: boolean
  /** Groups of the owner's roster that it is in. */
  readonly groups: readonly string[]
}

/** Bounds of one service (threat 105). */
export interface PubsubLimits {
  readonly nodes: number
  /** Nodes that one account may own, where the nodes of a service have owners of their own. */
  readonly owned: number
  /** Items of a node whose owner asked for `max`. */
  readonly items: number
  /** Of one payload, in UTF-8. */
  readonly bytes: number
  /** Subscriptions of one node, and as many affiliations. */
  readonly subscriptions: number
}

/** Something happened at a node: `event` is the child of `<event/>` that tells it. */
export interface Notice {
  readonly node: PubsubNode
  readonly event: Element
}

/** Where nodes live: an account, or a service with an address of its own. The engine knows no more of it than this. */
export interface PubsubService {
  /** Owner of all nodes: the address that is asked, and that notifications come from. */
  readonly jid: Jid
  readonly store: PubsubStore
  readonly limits: PubsubLimits
  readonly defaults: PubsubOptions
  /** What a new node of that name is like, unless somebody says otherwise. */
  defaultsOf(node: string): PubsubOptions
  /** The owner's publish options change a node of that name, where any other would refuse them (docs/decisions/0007). */
  adapts(node: string): boolean
  readonly accessModels: readonly string[]
  standing(asker: Jid): Awaitable<Standing>
  mayCreate(asker: Jid): boolean
  /** The address is somebody's: whoever that is owns every node. */
  readonly isPersonal: boolean
  /** Whether it knows when that address is present. */
  sees(jid: Jid): boolean
  /** Counts a request that goes to owners; false: too many of late. */
  mayAsk(asker: Jid): boolean
  /** A message from the service to one address. */
  send(to: Jid, children: readonly Element[], id?: string): Awaitable<void>
  /** Tells everybody who may hear it and wants to. */
  notify(notice: Notice): Awaitable<void>
  /** Tells one new subscriber of what was published last. */
  tellLast(node: PubsubNode, subscriber: Jid): Awaitable<void>
  /** Milliseconds since 1970. */
  now(): number
}

export interface Asking {
  readonly service: PubsubService
  readonly from: Jid
  /** What is asked: the first child of `<pubsub/>`. */
  readonly request: Element
  /** The `<pubsub/>` around it. */
  readonly pubsub: Element
  /** The same when the request comes a second time (see {@link Asked}). */
  readonly mid: Asked['mid']
  /** Runs a task behind the answer. */
  readonly after: (task: () => Awaitable<void>) => void
}

export type PubsubAnswer = (asking: Asking) => Awaitable<Element | undefined>
