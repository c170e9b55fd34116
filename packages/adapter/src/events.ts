/** As XMPP has it; `invisible`: there, and not to be seen (XEP-0186). */
export type Show = 'available' | 'chat' | 'away' | 'xa' | 'dnd' | 'invisible' | 'unavailable'

export interface Presence {
  readonly show: Show
  readonly text?: string
  /** Milliseconds since 1970. */
  readonly idleSince?: number
  /** What the network calls it, so that what it said comes back as it was. */
  readonly native?: string
}

export interface Contact {
  /** Canonical. */
  readonly id: string
  readonly name?: string
  readonly groups?: readonly string[]
  /** Who sees whom: `to`, we see them; `from`, they see us. */
  readonly subscription: 'both' | 'to' | 'from' | 'none'
  /** We have asked them and they have not answered. */
  readonly asked?: boolean
  readonly blocked?: boolean
}

/** Where something was said. In a room: its id, and who said it there. */
export interface Place {
  /** Canonical id of the other side; of the room where `nick` is given. */
  readonly peer: string
  /** In a room: who. */
  readonly nick?: string
}

/** Who said it: somebody there, the user with another program, or this very session (an echo of what it has sent). */
export type Origin = 'remote' | 'self-elsewhere' | 'self-echo'

export interface Heard extends Place {
  /** The network's own id, where it has one: unique within the account. */
  readonly id?: string
  readonly text: string
  readonly origin: Origin
  /** Milliseconds since 1970, where the network says so: for what was said while nobody listened. */
  readonly at?: number
  /** The network's id of what it answers. */
  readonly replyTo?: string
  readonly thread?: string
  readonly subject?: string
}

export interface RoomMember {
  readonly nick: string
  readonly role: 'none' | 'visitor' | 'participant' | 'moderator'
  /** Canonical id, where it can be known. */
  readonly id?: string
}

export interface Profile {
  readonly id: string
  readonly name?: string
  readonly givenName?: string
  readonly familyName?: string
  readonly nick?: string
  readonly mail?: string
  readonly url?: string
  readonly birthday?: string
  readonly note?: string
}

/** What happens there. With `federation` everything that concerns one user says whom (`user`: the bare JID). */
export type Event = { readonly user?: string } & (
  | { readonly type: 'state'; readonly state: 'online' | 'degraded'; readonly detail?: string }
  /** The session has ended by itself, and why; it emits nothing more. */
  | { readonly type: 'ended'; readonly error: Error }
  | { readonly type: 'self'; readonly id: string; readonly name?: string }
  /** The whole list, once it is there. */
  | { readonly type: 'roster'; readonly contacts: readonly Contact[] }
  | { readonly type: 'contact'; readonly contact: Contact }
  | { readonly type: 'contact-gone'; readonly id: string }
  /** Somebody wants to see the user's presence. */
  | { readonly type: 'request'; readonly id: string; readonly name?: string; readonly text?: string }
  | { readonly type: 'presence'; readonly id: string; readonly presence: Presence }
  /** The user's presence, set with another program. */
  | { readonly type: 'own-presence'; readonly presence: Presence }
  | ({ readonly type: 'message' } & Heard)
  | ({ readonly type: 'typing'; readonly state: 'composing' | 'paused' | 'gone' } & Place)
  | ({ readonly type: 'receipt'; readonly ids: readonly string[]; readonly level: 'delivered' | 'read' } & Place)
  | ({ readonly type: 'edit'; readonly target: string; readonly text: string; readonly origin: Origin } & Place)
  | ({ readonly type: 'retract'; readonly target: string; readonly origin: Origin } & Place)
  | ({
      readonly type: 'reaction'
      readonly target: string
      readonly emojis: readonly string[]
      readonly origin: Origin
    } & Place)
  | ({ readonly type: 'attention' } & Place)
  /** What was sent, and taken at first, did not arrive after all. `key`: of the command. */
  | { readonly type: 'bounced'; readonly key: string; readonly error: Error }
  | { readonly type: 'profile'; readonly profile: Profile }
  /** `media`: what `context.media.put` gave; absent: there is none any more. */
  | { readonly type: 'avatar'; readonly id: string; readonly media?: string }
  /** The user is in a room: all that is known of it. Later again where something but members has changed. */
  | { readonly type: 'room'; readonly room: Room }
  | { readonly type: 'room-member'; readonly id: string; readonly member: RoomMember; readonly before?: string }
  | { readonly type: 'room-member-gone'; readonly id: string; readonly nick: string; readonly reason?: string }
  | { readonly type: 'room-left'; readonly id: string; readonly reason?: string; readonly banned?: boolean }
  /** For the user, from the network itself. */
  | { readonly type: 'notice'; readonly text: string }
)

export interface Room {
  readonly id: string
  readonly nick: string
  readonly topic?: string
  readonly topicBy?: string
  readonly members: readonly RoomMember[]
}

export type EventOf<T extends Event['type']> = Extract<Event, { readonly type: T }>
