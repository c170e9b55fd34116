import { getHeapStatistics } from 'node:v8'
import type { Jid } from '@parley/jid'

export type Awaitable<T> = T | Promise<T>

/** One stanza on its way into a session: serialised once, with what the receiving side must know without parsing it. */
export interface Packet {
  /** The stanza in a stream whose default namespace is `jabber:client`. */
  readonly xml: string
  /** Identity of the delivery, so that a repeat has no second effect. Unique per receiving session. */
  readonly mid: string
  /** The archive id when the stanza is in the message log and owed to the account: cleared when a session takes it. */
  readonly owed?: bigint
  /** Read from the log for this very session (see {@link Live.catchUp}), not on its way for the first time. */
  readonly fromLog?: true
  /** XEP-0352: whether a quiet client may be left alone; `replaces` names what a later packet makes worthless. */
  readonly urgency: 'now' | 'later'
  readonly replaces?: string
  /** What becomes of it when the session ends before taking it (XEP-0198 §4: the stanza is then undeliverable). */
  readonly leftover?: 'message' | 'request'
}

export interface PresenceState {
  /** RFC 6121 §4.7.2.3: -128 to 127. */
  readonly priority: number
  readonly show: string
  /** The children of the last available presence stanza, serialised. */
  readonly xml: string
  /** Milliseconds since 1970. */
  readonly since: number
}

/** What every node may know of a session. Entries are replaced, never changed in place. */
export interface SessionEntry {
  readonly sid: string
  readonly jid: Jid
  /** Undefined until the session sends available presence. */
  readonly presence: PresenceState | undefined
  /** RFC 6121 §2.2: the session asked for the roster, so it gets roster pushes. */
  readonly interested: boolean
  /** XEP-0280. */
  readonly carbons: boolean
  /** XEP-0198: packets are kept until the client acknowledges them; set by {@link Live.enableQueue}. */
  readonly queued: boolean
  /** The log is read for it, so what comes must be in the log; set by {@link Live.catchUp}. */
  readonly catchingUp: boolean
  /** XEP-0191 §3.2: the session asked for the block list, so it gets its pushes. */
  readonly blocklist: boolean
  /** The client reads the message archive by itself (XEP-0386 §3.2): what the archive keeps is not sent as offline messages. */
  readonly pagesArchive: boolean
  /** XEP-0115: `node#ver` of the last presence, when its hash is one we verify. */
  readonly caps: string | undefined
  /** When the session was bound: milliseconds since 1970. */
  readonly since: number
}

/** What is known of a session when it has just been bound. */
export function newEntry(sid: string, jid: Jid, since: number): SessionEntry {
  return {
    sid,
    jid,
    presence: undefined,
    interested: false,
    carbons: false,
    queued: false,
    catchingUp: false,
    blocklist: false,
    pagesArchive: false,
    caps: undefined,
    since,
  }
}

export type SessionChanges = Partial<Omit<SessionEntry, 'sid' | 'jid' | 'since' | 'queued' | 'catchingUp'>>

/** The owner's end of a session. `n` counts the packets of a session from 1; without a queue it is 0. */
export interface Outlet {
  write(n: number, packet: Packet): void
  /** The session is somebody else's now: touch nothing shared any more. */
  replaced(why: Replaced): void
}

/**
 * `taken`: another stream took the address or the session itself (close with `<conflict/>`); `lost`: Redis lost its state;
 * `fenced`: this node was given up, and what it had begun for the session is done by others. The client should connect again.
 */
export type Replaced = 'taken' | 'lost' | 'fenced'

export interface Resumed {
  readonly entry: SessionEntry
  readonly epoch: number
  /** How many stanzas of the client this session had handled. */
  readonly inbound: number
  /** What the client has not acknowledged, in order; the first has the number `ack + 1`. */
  readonly unacked: readonly Packet[]
  readonly ack: number
  /** What the client says with `h` that it has taken. */
  readonly released: readonly Packet[]
}

/** What is left of a session that ended, for the core to finish (RFC 6121 §4.5.4, XEP-0198 §4). */
export interface Ended {
  readonly entry: SessionEntry
  readonly unacked: readonly Packet[]
  /** Addresses that hold directed presence of this session and have not been told that it left. */
  readonly directed: readonly Jid[]
  /** How many stanzas of the client this session had handled. */
  readonly inbound: number
}

/** What a driver tells the server that uses it. Given once, before any session. */
export interface LiveHandlers {
  /** A session ended without being asked here: replaced, hold time over, owner dead. To be {@link Live.finished}. */
  ended(ended: Ended): void
  /** A packet for a session that was gone when it came. */
  stray(account: Jid, packet: Packet): void
  /** Packets for these sessions may have been missed: look into the log. */
  missed(entries: readonly SessionEntry[]): void
  /** What another node has to say, to all ({@link Live.tell}) or to this one ({@link Live.post}). */
  told(topic: string, text: string, from: string): void
  /** Whether anything can be promised now: while not, nothing more should be read from clients. */
  usable(is: boolean): void
}

/** A front end that shares this live state. */
export interface NodeInfo {
  readonly node: string
  /** Milliseconds until others take it for dead; negative: they do. */
  readonly lease: number
  readonly own: boolean
  /** What it says of itself: name, version, sessions, whether it is draining. */
  readonly about: Readonly<Record<string, string | number | boolean>>
}

/** Where something is that one node has at a time. */
export interface Placed {
  readonly node: string
  readonly own: boolean
  readonly isNew: boolean
}

/** How long a message may be on its way from the log to a client (ms). */
export const ON_ITS_WAY = 5000

/** A time (milliseconds since 1970, both inclusive) of which not everything may have reached those who were there. */
export interface Gap {
  readonly from: number
  readonly to: number
}

export interface Live {
  /** Whether other processes share it: then work that a dead one left is done by others. */
  readonly isShared: boolean
  /** The name of this process among those that share it; another one after others have given it up. */
  readonly node: string
  /** When sessions were lost, newest last. Who was there may have heard of a message and not of an earlier one. */
  readonly gaps: readonly Gap[]

  handle(handlers: LiveHandlers): void

  /** Makes a session known. One with the same full JID is replaced and its end is reported by {@link onEnded}. */
  open(sid: string, jid: Jid, outlet: Outlet): Awaitable<{ readonly epoch: number }>
  update(sid: string, changes: SessionChanges): Awaitable<void>
  /**
   * Ends a session now. The caller finishes what is left; undefined when it is gone or somebody else's already. Without an
   * epoch the caller need not be its owner, who is told that it was replaced.
   */
  close(sid: string, epoch?: number): Awaitable<Ended | undefined>
  /** The end of a session has been told to everybody and what it left is safe: forget it. */
  finished(sid: string): Awaitable<void>

  /** Sessions of an account, held ones included. Answered without a promise where the node knows. */
  sessions(bare: Jid): Awaitable<readonly SessionEntry[]>
  /** As {@link sessions}, as it is now and not as this node last heard. */
  sessionsNow(bare: Jid): Awaitable<readonly SessionEntry[]>
  session(full: Jid): Awaitable<SessionEntry | undefined>
  /** How many sessions there are, for limits and metrics. */
  count(): Awaitable<number>

  /**
   * Hands a packet to a session of those that {@link Live.sessions} gave. `gone`: no such session; `busy`: its queue is full and it was ended; `later`: it stays in
   * the log, which is being read for the session.
   */
  deliver(sid: string, packet: Packet): Awaitable<'ok' | 'gone' | 'busy' | 'dup' | 'later'>

  /** While on, the log is read for this session: what is owed waits there meanwhile, so that nothing overtakes it. */
  catchUp(sid: string, on: boolean): Awaitable<void>
  /** Whether nothing has waited since the last call: then what comes goes to the session again. */
  caughtUp(sid: string): Awaitable<boolean>

  /** Rows of the message log that wait in queues of the account's sessions: somebody has them, nobody has taken them yet. */
  pending(bare: Jid): Awaitable<ReadonlySet<bigint>>

  /** XEP-0352: while quiet, packets that can wait do wait, until one comes that cannot. */
  quiet(sid: string, on: boolean): Awaitable<void>

  /** Starts numbering and keeping packets (XEP-0198). `hold` is in milliseconds; 0 means acknowledgements only. */
  enableQueue(sid: string, hold: number): Awaitable<void>
  /** The client has taken everything up to `h`, as it stands in `<a/>`, modulo 2³²: returns what that released. */
  acknowledge(sid: string, epoch: number, h: number): Awaitable<readonly Packet[] | 'too-high' | 'fenced'>
  /** The client's stanza number `k` has been handled. */
  inbound(sid: string, epoch: number, k: number): Awaitable<'ok' | 'fenced'>
  /** The connection is lost: keep the session until its hold time is over. `over`: it has none, so close it. */
  hold(sid: string, epoch: number): Awaitable<'held' | 'over' | 'fenced'>
  /** Takes a session over, live or held, by its secret id; `h` as in {@link acknowledge}. */
  resume(sid: string, owner: Jid, h: number, outlet: Outlet): Awaitable<Resumed | 'gone' | 'bad-h'>

  /** RFC 6121 §4.6: remembers whether `to` has available presence of this session. */
  direct(sid: string, to: Jid, available: boolean): Awaitable<void>
  directed(sid: string): Awaitable<readonly Jid[]>

  /** Runs tasks of one name one after another, whichever node they are on. For what is rare: it may ask Redis many times. */
  alone<T>(name: string, task: () => Promise<T>): Promise<T>

  /**
   * Who has something that one node has at a time (a room): this one from now on, if nobody does or its owner is dead.
   * `gone` names an owner that the caller knows to be gone. `isNew`: this node has just become its owner. Where this node may not
   * have it, `node` is empty when nobody has it; who is alone has everything.
   */
  place(name: string, gone?: string, mayHave?: boolean): Awaitable<Placed>
  /** This node has it no longer; its notes are forgotten. */
  unplace(name: string): void
  /** What a successor of this node would need to know, field by field; undefined forgets. */
  note(name: string, field: string, value: string | undefined): void
  notes(name: string): Awaitable<ReadonlyMap<string, string>>

  /** Says something to all other nodes: what they have cached is out of date, certificates are to be read again. */
  tell(topic: string, text: string): void
  /** As {@link tell}, to one node, in order of the calls. False: it is not there. */
  post(node: string, topic: string, text: string): Awaitable<boolean>
  /** What this node says of itself in {@link nodes}. */
  describe(about: NodeInfo['about']): void
  nodes(): Awaitable<readonly NodeInfo[]>

  stop(): Awaitable<void>
}

/** What bounds a session: packets and directed presences beyond it end the session or are refused. */
export interface LiveLimits {
  /** Packets that a client has not acknowledged. */
  readonly queue: number
  /** Characters of all that waits for one client; a single packet always fits. */
  readonly chars: number
  /** The same for all clients of a process together, where it holds them: the session with most of it is ended first. */
  readonly total: number
  readonly directed: number
  /** Packets that a quiet client has not been bothered with; one more wakes it. */
  readonly waiting: number
}

const MEBIBYTE = 1_048_576
/** What a server takes before anybody comes. */
const OWN_HEAP = 40 * MEBIBYTE

export const LIVE_LIMITS: LiveLimits = {
  queue: 2000,
  chars: 8 * MEBIBYTE,
  // Characters beyond Latin-1 take two bytes: at most half of what the server itself leaves of the heap.
  total: Math.max(getHeapStatistics().heap_size_limit - OWN_HEAP, 4 * MEBIBYTE) / 4,
  directed: 1000,
  waiting: 500,
}
