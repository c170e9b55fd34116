import type { Adapter, Event, Presence } from '@parley/adapter'

/** What a peer can show besides people who come, speak and go. What it cannot is listed as not shown. */
export type Ability =
  /** Refuses a wrong password. */
  | 'wrong'
  /** Has settings that lead nowhere. */
  | 'nowhere'
  /** Lets the user log in with another program as well. */
  | 'elsewhere'
  /** Cuts the connection; throws the session out for another one. */
  | 'cut'
  | 'replace'
  /** Sends nonsense; stops answering while the connection stays; sends a byte at a time. */
  | 'garbage'
  | 'freeze'
  | 'slow'
  /** Says that there is nobody of a name. */
  | 'strangers'
  /** Fills the user's list. */
  | 'contacts'
  /** Keeps what is said to somebody who is away. */
  | 'offline'
  /** Lets people choose what they are called in a room; without it they are called by their ids. Lists its rooms. */
  | 'nicks'
  | 'directory'

/** When a connection breaks: before what it carries is taken, or after that and before the answer. */
export type Break = 'before' | 'after'

export interface Login {
  /** Canonical: who the user is to others there. */
  readonly id: string
  /** With `federation`: the bare JID of the user. Nobody is asked for anything. */
  readonly user?: string
  readonly fields: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

/** What somebody does in a conversation besides speaking. */
export type Signal =
  | { readonly type: 'typing'; readonly state: 'composing' | 'paused' | 'gone' }
  | { readonly type: 'receipt'; readonly ids: readonly string[]; readonly level: 'delivered' | 'read' }
  | { readonly type: 'edit'; readonly target: string; readonly text: string }
  | { readonly type: 'retract'; readonly target: string }
  | { readonly type: 'reaction'; readonly target: string; readonly emojis: readonly string[] }
  | { readonly type: 'attention' }

/** Somebody else of the network, whom the peer plays. */
export interface Person {
  /** Canonical. */
  readonly id: string
  /** What they were told, as events of an adapter would say it from where they are. */
  readonly told: readonly Event[]
  /** Gives the network's id, where it has one. */
  says(to: string, text: string, replyTo?: string): Promise<string | undefined>
  signals(to: string, signal: Signal): Promise<void>
  shows(presence: Presence): Promise<void>
  /** Asks to see somebody. */
  adds(id: string): Promise<void>
  answers(id: string, yes: boolean): Promise<void>
  removes(id: string): Promise<void>
  joins(room: string, nick: string): Promise<void>
  parts(room: string): Promise<void>
  /** Goes offline. */
  leaves(): Promise<void>
}

/** The other side of an adapter: a server of the network, or what stands for it. */
export interface Peer {
  /** What an operator would set. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** An account of that name, made now. Names are short words in lower case. */
  account(name: string): Promise<Login>
  person(name: string): Promise<Person>
  /** The id of a room of that name. */
  room(name: string): string
  stop(): Promise<void>

  wrong?(name: string): Promise<Login>
  readonly nowhere?: Readonly<Record<string, string | number | boolean>>
  /** The same user, with another program; gives what they can do there. */
  elsewhere?(login: Login): Promise<Person>
  cut?(id: string): Promise<void>
  replace?(id: string): Promise<void>
  garbage?(id: string, bytes: Uint8Array): Promise<void>
  freeze?(id: string): Promise<void>
  /** From now on, for all connections. */
  slow?(): Promise<void>
  /** A name that nobody has. */
  readonly stranger?: string
  /**
   * Puts people into the user's list: they see each other. Before the user logs in; with `federation` when the user is there, and
   * after they have asked each other and agreed, where the network has that.
   */
  contacts?(login: Login, ids: readonly string[]): Promise<void>
}

/** A row of the table of presence: what an adapter is given, or gives, for what the network shows. */
export interface PresenceRow {
  readonly sent: Presence
  readonly seen: Presence
}

export interface Conformance {
  readonly adapter: Adapter
  readonly has: readonly Ability[]
  makePeer(): Promise<Peer>
  /** Several plays at a time: where the peer has to be waited for. */
  readonly together?: boolean
  /** What others see of what the user sets, and what the user sees of what others set. */
  readonly presence: { readonly out: readonly PresenceRow[]; readonly in: readonly PresenceRow[] }
}
