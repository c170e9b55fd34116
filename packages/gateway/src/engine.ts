import type { Ack, Adapter, Event, Failure, Outgoing, Session } from '@parley/adapter'

/** One login of one user at one provider; with `federation` the provider itself, whose owner is its domain. */
export interface AccountKey {
  readonly provider: string
  /** Bare JID text. */
  readonly owner: string
}

/**
 * `idle`: nobody wants it; `waiting`: it comes again by itself; `needs-login`, `replaced`, `denied`, `quarantined`: it does not,
 * until the user or the operator has done something.
 */
export type AccountState =
  | 'idle'
  | 'connecting'
  | 'online'
  | 'degraded'
  | 'waiting'
  | 'needs-login'
  | 'replaced'
  | 'denied'
  | 'quarantined'

export interface AccountStatus {
  readonly state: AccountState
  /** Since when: milliseconds since 1970. */
  readonly since: number
  /** Why, in words for the user. */
  readonly detail?: string
  readonly failure?: Failure
}

/** Commands of a session, by name: everything but its beginning and its end. */
export type CommandName = Exclude<keyof Session, 'start' | 'stop' | 'ping'>
export type CommandOf<N extends CommandName> = NonNullable<Session[N]>

/** A message on its way to a network. */
export interface Sending {
  /** Resolves when a restart does not lose it any more. @throws AdapterError, or StoreError */
  readonly kept: Promise<void>
  /**
   * Resolves when the network has taken it. Where the node that has the account dies, another one sends it, and says what came of
   * it as after a restart. @throws AdapterError
   */
  readonly done: Promise<Ack>
}

/**
 * Who hears what happens there: on the node that has the session. Calls for one account come in order, and the next one when the
 * promise has resolved. `state` and `ended` are not among the events: they become the status.
 */
export interface EngineListener {
  event(key: AccountKey, event: Event): void | Promise<void>
  status(key: AccountKey, status: AccountStatus): void
  /** Another process says from now on how it is: what was known here is not true any more. */
  moved?(key: AccountKey): void
}

/** An id of the network and ours of the same message: written before either side hears of the other. */
export interface IdPair {
  /** Canonical id of the conversation there. */
  readonly peer: string
  readonly native: string
  /** The id that the stanza carries. */
  readonly stanza: string
}

export interface IdMap {
  /** False: it is known already, so that what came is a repeat. */
  add(key: AccountKey, pair: IdPair): Promise<boolean>
  byNative(key: AccountKey, native: string): Promise<IdPair | undefined>
  byStanza(key: AccountKey, stanza: string): Promise<IdPair | undefined>
}

/**
 * Runs the sessions of adapters: isolated, supervised, resumed, one owner for each account in a cluster. It knows nothing of XMPP;
 * what it is asked for has been allowed.
 */
export interface Engine {
  /** Ids of the adapters that are installed. */
  readonly installed: readonly string[]
  /** Those that have been read: all that records name. */
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly ids: IdMap

  listen(listener: EngineListener): void
  /** Reads the declared part of an adapter; undefined: it is not installed, or cannot be read. */
  load(adapter: string): Promise<Adapter | undefined>

  /** Keeps what the user was asked for, the secrets sealed, in place of what was there. */
  register(
    key: AccountKey,
    fields: Readonly<Record<string, string>>,
    secrets: Readonly<Record<string, string>>,
  ): Promise<void>
  /** Ends the session and forgets everything. False: there was nothing. */
  unregister(key: AccountKey): Promise<boolean>
  /** What the user was asked for, without secrets; undefined: not registered. */
  registration(key: AccountKey): Promise<Readonly<Record<string, string>> | undefined>
  registrations(filter: Partial<AccountKey>): Promise<readonly AccountKey[]>

  /** Somebody wants it: it starts, in its turn, unless it is there. `afresh`: also out of a state that it would stay in. */
  wake(key: AccountKey, options?: { readonly afresh?: boolean }): void
  /** Nobody wants it any more. */
  rest(key: AccountKey): Promise<void>
  status(key: AccountKey): AccountStatus
  /** Sessions of this process, and accounts that are on their way to one. */
  sessions(): Iterable<readonly [AccountKey, AccountStatus]>

  /**
   * Sends a message, in the order of the calls for one conversation. While the session is away it waits, up to the provider's
   * patience, also over a restart. Its `key` is the id of the stanza: when the network has taken it and whoever asked is gone (after
   * a restart), the engine writes the pair of ids itself; when it comes to nothing then, the listener hears of a `bounced` key.
   */
  send(key: AccountKey, message: Outgoing): Sending
  /** Has it done now; `send` is {@link send}. Refused while the session is away. @throws AdapterError */
  run<N extends CommandName>(
    key: AccountKey,
    name: N,
    ...args: Parameters<CommandOf<N>>
  ): Promise<Awaited<ReturnType<CommandOf<N>>>>
  /** A picture that an event has named: soon, and on the node that has the session. */
  media(id: string): Promise<{ readonly bytes: Uint8Array; readonly type: string } | undefined>

  /** A provider was switched, or its settings changed: its sessions of this node end or start again. To be called on each node. */
  providerChanged(provider: string): Promise<void>
  /**
   * Keeps settings of a provider that are secret, sealed; an empty text forgets one.
   *
   * @throws TypeError with words for the operator, where this process has no key to seal with
   */
  keepSettings(provider: string, secrets: Readonly<Record<string, string>>): Promise<void>
  forgetSettings(provider: string): Promise<void>
  /** From now on a new master key seals secrets; what was sealed is wrapped anew. Gives how many secrets there are. */
  rotateKeys(): Promise<number>
  stop(): Promise<void>
}

/** What an operator says of a network: without a record that is enabled there is no such network. */
export interface Provider {
  /** The first label of its domain here: `irc` → `irc.example.org`. */
  readonly id: string
  /** Which adapter. */
  readonly adapter: string
  readonly enabled: boolean
  readonly title?: string
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** Settings that are secret, with when each was set (milliseconds since 1970): what they are is kept sealed by the engine. */
  readonly secrets?: Readonly<Record<string, number>>
  /** Whose messages and requests reach our users: only those whom the provider vouches for, only contacts, or everybody's. */
  readonly verification: 'verified' | 'contacts' | 'everyone'
  readonly icon?: string
  /** A seat is needed to use it. */
  readonly seats: boolean
  /** How many seats there are; 0 or absent: any number. */
  readonly pool?: number
  /** Rooms of the network may be used. */
  readonly rooms: boolean
  /** Sessions stay while the user is away. */
  readonly alwaysOn: boolean
  /** The day on which it ends, `2026-12-31`: no new registrations; users are told 30, 7 and 1 days before. */
  readonly retireAt?: string
  /** How long a message may wait for the network (ms). */
  readonly patience: number
}
