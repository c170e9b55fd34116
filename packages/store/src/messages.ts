import type { Owner } from './owner.ts'
import type { Span } from './words.ts'

export type MessageType = 'chat' | 'normal' | 'groupchat' | 'headline' | 'error'

/** One row of one archive. A message between two local users is two entries, one for each owner. */
export interface LogEntry {
  readonly owner: Owner
  /** From {@link MessageLog.nextId}; absent: given at the append. The same (owner, id) twice is stored once. */
  readonly id?: bigint
  /** Bare JID text of the other side. In a room's log: of the room, with the nick as `resource`. */
  readonly peer: string
  readonly resource?: string
  readonly type: MessageType
  /** What its sender calls it: the stanza's id and its origin-id, see `sentAs`. */
  readonly originId?: string
  /** The stanza as XML, to be parsed again on its way out. */
  readonly stanza: string
  /** The archive rules and the user's preferences keep it. */
  readonly kept: boolean
  /** No session has taken it yet. */
  readonly owed: boolean
}

export interface LogRow extends Omit<LogEntry, 'id' | 'owed'> {
  readonly id: bigint
}

/** Number `k` of the stanzas that stream `smId` of `owner` has sent (XEP-0198 §4). */
export interface Inbound {
  readonly smId: string
  readonly owner: Owner
  readonly k: number
  /**
   * Remember the rows in the outbox until {@link MessageLog.handedOn}, and swallow a repeat of (smId, k).
   * Wanted where another node may have to finish the work of this one.
   */
  readonly outbox?: boolean
  /** With `outbox`: which of its owners the stream has. Once a later one has stored something, an earlier one cannot. */
  readonly epoch?: number
}

export interface OutboxRow {
  readonly k: number
  readonly owner: Owner
  readonly id: bigint
}

/** Which rows of one archive (XEP-0313 §4.1). All bounds hold together. */
export interface LogFilter {
  /** The other side; with `resource` only that full JID. */
  readonly with?: { readonly peer: string; readonly resource?: string }
  /** Milliseconds since 1970, both inclusive. */
  readonly start?: number
  readonly end?: number
  /** Exclusive. */
  readonly afterId?: bigint
  readonly beforeId?: bigint
  readonly ids?: readonly bigint[]
  /** False leaves out type `groupchat`. */
  readonly groupchat?: boolean
}

export interface LogPage extends LogFilter {
  readonly limit: number
  /** Take the newest rows that match; the page itself is always oldest first. */
  readonly backwards?: boolean
}

/** The one truth of messages: archive, offline delivery and history are views of it. */
export interface MessageLog {
  /** A new id, larger than all before it. Its time is readable with {@link idTime}, its text with {@link idText}. */
  nextId(): bigint
  /**
   * Queues the rows of one stanza; they travel in one transaction, in order of the calls. Resolves after its COMMIT with
   * the ids: of the first storing, where `inbound.outbox` met a repeat. While the database is away it waits and tries
   * again. Rejects with `busy` where the queue is full, with `fenced` where the stream has a later owner or none, or where
   * the rows themselves cannot be stored.
   */
  append(entries: readonly LogEntry[], inbound?: Inbound): Promise<readonly bigint[]>
  /** How full the queue is: stop reading from sockets at 1, see {@link relieved}; `append` refuses far above that. */
  readonly pressure: number
  /** Resolves when `pressure` is below one half. */
  relieved(): Promise<void>

  /** Rows that no session has taken yet, oldest first, `after` exclusive. */
  owedFor(owner: Owner, limit: number, after?: bigint): Promise<LogRow[]>
  owedCount(owner: Owner): Promise<number>
  /** The ways between domains (see `wayOwner`) that are owed rows from before `before` (ms since 1970). */
  owedWays(before: number): Promise<Owner[]>
  /**
   * A session has taken these rows: they are no longer owed, and deleted unless kept. Queued, not awaited; call it only
   * after the append has resolved. What a crash loses of the queue is delivered once more.
   */
  clearOwed(owner: Owner, ids: readonly bigint[]): void
  /** As {@link clearOwed}, for all rows up to `id`, inclusive. */
  clearOwedUpTo(owner: Owner, id: bigint): void
  /** Resolves when everything queued before the call is committed. */
  flush(): Promise<void>

  /** Kept rows only, oldest first. */
  page(owner: Owner, page: LogPage): Promise<LogRow[]>
  /** All kept rows of these parts of the archive that match, oldest first; a row that is in two of them comes twice. */
  inSpans(owner: Owner, spans: readonly Span[], filter: LogFilter): Promise<LogRow[]>
  /** How many kept rows match, counted to `cap` at most (default 10 000). */
  count(owner: Owner, filter: LogFilter, cap?: number): Promise<number>
  byId(owner: Owner, id: bigint): Promise<LogRow | undefined>
  /** The newest kept row whose id or origin-id that is, among the last thousand of the conversation. */
  byOriginId(owner: Owner, peer: string, originId: string): Promise<LogRow | undefined>
  /** All rows whose id or origin-id that is, kept or owed, newest first, of the last ten thousand of the conversation. */
  allByOriginId(owner: Owner, peer: string, originId: string): Promise<LogRow[]>
  /** The oldest and newest kept id (XEP-0313 §5.1); undefined for an empty archive. */
  bounds(owner: Owner): Promise<{ readonly first: bigint; readonly last: bigint } | undefined>
  /** Puts another stanza in place of a row (retraction, XEP-0424); false where there is none. */
  replace(owner: Owner, id: bigint, stanza: string): Promise<boolean>
  /** Deletes rows, owed or not; gives how many. */
  remove(owner: Owner, ids: readonly bigint[]): Promise<number>
  /** Deletes what is older than `before` (ms) and not owed; gives how many rows. */
  trim(
    scope: { readonly owner: Owner } | { readonly host: string; readonly except?: readonly Owner[] },
    before: number,
  ): Promise<number>
  /** Empties an archive up to `id`, inclusive. What is owed is in no archive from now on, and goes when it is delivered. */
  forget(owner: Owner, upTo: bigint): Promise<number>

  /** How many stanzas of that stream are stored for certain; undefined for an unknown stream. */
  smHandled(smId: string): Promise<number | undefined>
  /** As {@link smHandled}; from now on whoever had the stream stores nothing for it (see {@link Inbound.epoch}). */
  fenceSm(smId: string): Promise<number | undefined>
  /** The stream cannot come back: forgets its counter and outbox. */
  forgetSm(smId: string): Promise<void>
  /** The work for all stanzas up to `k` is done elsewhere too: empties the outbox. Queued like {@link clearOwed}. */
  handedOn(smId: string, k: number): void
  /** What a dead node left undone, in order. */
  unfinished(smId: string): Promise<OutboxRow[]>
}
