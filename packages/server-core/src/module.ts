import type { Jid } from '@parley/jid'
import type { Live } from '@parley/live'
import type { Clock } from '@parley/net'
import type { Iq, Stanza } from '@parley/stanza'
import type { Json, OwnedMap, Store } from '@parley/store'
import type { Element } from '@parley/xml'
import type { Accounts } from './accounts.ts'
import type { Awaitable } from './awaitable.ts'
import type { CommandSpec, RunCommand } from './commands.ts'
import type { DomainConfig } from './config/schema.ts'
import type { Hook, Listener, Phase } from './hooks.ts'
import type { Host } from './host.ts'
import type { Logger } from './log.ts'
import type { Options, OptionValues } from './options.ts'
import type { Server } from './server.ts'
import type { Receive, Service } from './service.ts'
import type { Session } from './session.ts'
import type { StreamFeature } from './stream/feature.ts'
import type { Transit } from './transit.ts'

export interface Xep {
  readonly number: number
  readonly version: string
  /** What is left out, in a few words; absent: all of the server's part. */
  readonly partial?: string
}

/** A proposal that has no number yet, by the name of its file in the inbox of the XSF. */
export interface Proposal {
  /** As scenarios call it. */
  readonly name: string
  readonly file: string
  readonly version: string
}

/** What a module needs kept for it: a map per owner JID, opened by the core. */
export interface Need<T extends Json> {
  readonly version: number
  readonly value?: T
}
export type Needs = { readonly [name: string]: Need<Json> }
export type Opened<S extends Needs> = { readonly [K in keyof S]: S[K] extends Need<infer T> ? OwnedMap<T> : never }

/** Declares a map of values of one shape; `version` is raised when the shape changes. */
export function map<T extends Json>(version = 1): Need<T> {
  return { version }
}

/**
 * A feature of the server as declared data: the core installs it on each host, lists what it speaks, and takes it away.
 * `A` is what modules that use this one may call.
 */
export interface Module<C extends Options = Options, S extends Needs = Needs, U extends Uses = Uses, A = unknown> {
  /** File name, configuration key, store and metric prefix. */
  readonly name: string
  readonly xeps?: readonly Xep[]
  readonly proposals?: readonly Proposal[]
  /** RFC sections this module obeys, such as `{ rfc: 6121, sections: ['2.1'] }`; each has its scenario. */
  readonly rfcs?: readonly { readonly rfc: number; readonly sections: readonly string[] }[]
  /** What disco#info advertises of the host and of each account (XEP-0030). The only way to advertise. */
  readonly features?: { readonly [at in 'host' | 'account']?: readonly string[] }
  readonly identities?: { readonly [at in 'host' | 'account']?: readonly Identity[] }
  /** Other modules, by value: they are loaded first. */
  readonly uses?: U
  readonly config?: C
  readonly stores?: S
  /** What an operator may ask of it; `setup` gives the functions. */
  readonly commands?: readonly CommandSpec[]
  setup(context: Context<C, S, U>): Awaitable<Parts<A>>
}
// biome-ignore lint/suspicious/noExplicitAny: the bound must accept every module, whatever its options are
export type AnyModule = Module<any, any, any, any>
export type Uses = { readonly [name: string]: AnyModule }

export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

export interface Context<C extends Options = Options, S extends Needs = Needs, U extends Uses = Uses> {
  readonly host: Host
  readonly domain: DomainConfig
  readonly log: Logger
  readonly clock: Clock
  readonly config: OptionValues<C>
  readonly stores: Opened<S>
  readonly uses: { readonly [K in keyof U]: U[K] extends Module<infer _C, infer _S, infer _U, infer A> ? A : never }
  readonly accounts: Accounts
  readonly store: Store
  readonly live: Live
  readonly server: Server
  /** Into the router chain; a missing `from` is the host. Errors go back to the sender, never to the caller. */
  route(stanza: Stanza, transit?: Transit): Awaitable<void>
  /** Sends a request and waits for its answer: the result, or a StanzaError. */
  request(iq: Iq): Promise<Iq>
  /**
   * Answers for a domain under the host (`conference` → `conference.example.org`) from now on, unless the operator has given
   * that to a component or made it a domain of its own.
   */
  serve(prefix: string, title: string, receive: Receive): Service
  /** The listeners of a hook that this module owns. */
  phase<E, P extends string>(hook: Hook<E, P>, name: NoInfer<P>): Phase
}

/** Who may ask: `self` the owner of the account only, `account` anybody asking an account, `host` anybody asking the host. */
export type Target = 'host' | 'self' | 'account'

export interface IqRoute {
  readonly target: Target
  readonly type: 'get' | 'set'
  readonly ns: string
  readonly name: string
  /** Returns the payload of the result; throws a StanzaError to refuse. */
  readonly answer: (iq: Request, context: Asked) => Awaitable<Element | undefined>
}

export interface Asked {
  /** The session that asks, when it is one of this node. */
  readonly session: Session | undefined
  /** The same when the client sends the request again because it heard of no acknowledgement (XEP-0198 §5). */
  readonly mid: string | undefined
  /** Runs `task` behind the answer: for pushes that must not overtake it. */
  readonly after: (task: () => Awaitable<void>) => void
}

/** An IQ request whose addresses are known: `to` is the host, or the bare JID of the account that is asked. */
export type Request = Iq & { readonly from: Jid; readonly to: Jid }

export interface Parts<A> {
  readonly iq?: readonly IqRoute[]
  readonly on?: readonly Listener[]
  readonly stream?: readonly StreamFeature[]
  readonly commands?: { readonly [name: string]: RunCommand }
  readonly api?: A
  stop?(): Awaitable<void>
}

/** A record without entries. */
type None = Readonly<Record<never, never>>

export function defineModule<C extends Options = None, S extends Needs = None, U extends Uses = None, A = undefined>(
  module: Module<C, S, U, A>,
): Module<C, S, U, A> {
  return module
}

type Answer = IqRoute['answer']
export const iqGet = (target: Target, ns: string, name: string, answer: Answer): IqRoute => ({
  target,
  type: 'get',
  ns,
  name,
  answer,
})
export const iqSet = (target: Target, ns: string, name: string, answer: Answer): IqRoute => ({
  target,
  type: 'set',
  ns,
  name,
  answer,
})
