import type { Place, Presence, Profile } from './events.ts'

/** What was done with a command. */
export interface Ack {
  /** The network's id of what was sent, where it has one. */
  readonly id?: string
  /** Milliseconds since 1970, where the network says so. */
  readonly at?: number
  readonly level: 'queued' | 'sent' | 'delivered'
}

/** Who does it. `key` is new for each command: what comes again under the same one is done once. */
export interface By {
  readonly key: string
  /** With `federation`: the bare JID of the user. */
  readonly user?: string
}

export interface Outgoing extends By {
  readonly to: Place
  /** Fits `maxTextBytes`, has no control characters but line breaks (and these only with `multiline`). */
  readonly text: string
  readonly replyTo?: string
  readonly thread?: string
  readonly subject?: string
  /** The sender wants to hear when it has arrived. */
  readonly receipt: boolean
}

/**
 * One login, or with `federation` the whole network. Everything but start and stop may be left out where the capabilities do not
 * have it. Whatever is thrown is an {@link AdapterError}, or a fault of the adapter.
 */
export interface Session {
  /** Resolves when the session is online and what was to be synchronised has been emitted. */
  start(): Promise<void>
  /** Within 5 seconds. Nothing is emitted afterwards. */
  stop(): Promise<void>
  /** Asks the network whether it is still there: for when it has been silent. */
  ping?(): Promise<void>

  setPresence?(presence: Presence, by: By): Promise<void>
  /** With `federation`, a presence for one contact: the answer to its question, or to a subscription. */
  sendPresence?(to: string, presence: Presence, by: By): Promise<void>
  send?(message: Outgoing): Promise<Ack>
  typing?(to: Place, state: 'composing' | 'paused' | 'gone', by: By): Promise<void>
  /** These have come to a program of the user: for networks where arrival is told. */
  delivered?(to: Place, ids: readonly string[], by: By): Promise<void>
  /** The user has read up to the last of these. */
  read?(to: Place, ids: readonly string[], by: By): Promise<void>
  edit?(to: Place, target: string, text: string, by: By): Promise<Ack>
  retract?(to: Place, target: string, by: By): Promise<void>
  react?(to: Place, target: string, emojis: readonly string[], by: By): Promise<void>
  attention?(to: Place, by: By): Promise<void>

  addContact?(
    id: string,
    details: { readonly name?: string; readonly groups?: readonly string[]; readonly text?: string },
    by: By,
  ): Promise<void>
  removeContact?(id: string, by: By): Promise<void>
  /** With `federation`: the user does not want to see them any more. They stay on the list, and may see what they could see. */
  leaveContact?(id: string, by: By): Promise<void>
  renameContact?(id: string, name: string, by: By): Promise<void>
  regroupContact?(id: string, groups: readonly string[], by: By): Promise<void>
  /** Whether who has asked may see the user's presence. */
  answer?(id: string, yes: boolean, by: By): Promise<void>
  block?(id: string, on: boolean, by: By): Promise<void>

  joinRoom?(id: string, nick: string, password: string | undefined, by: By): Promise<void>
  leaveRoom?(id: string, by: By): Promise<void>
  setTopic?(id: string, topic: string, by: By): Promise<void>
  setNick?(id: string, nick: string, by: By): Promise<void>
  invite?(id: string, whom: string, by: By): Promise<void>
  kick?(id: string, nick: string, reason: string, by: By): Promise<void>
  listRooms?(by: By): Promise<readonly { readonly id: string; readonly name?: string; readonly occupants?: number }[]>

  profile?(id: string, by: By): Promise<Profile>
  /** Fetches it, and says so by an event. */
  avatar?(id: string, by: By): Promise<void>
  search?(query: string, by: By): Promise<readonly Profile[]>
}
