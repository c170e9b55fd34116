import { delay, NS, parseStanza, type Stanza, StanzaError } from '@parley/stanza'
import { idTime, type LogEntry, type LogRow, type Owner, wayOwner } from '@parley/store'
import type { Transit } from '@xmpp/server-core'
import type { Pair } from './dialback.ts'

/** A stanza on its way to another domain. What waits is text: thousands that are read keep the collector of garbage busy. */
export class Entry {
  readonly xml: string
  /** Its row in the message log, which is owed to the way; undefined: nobody was told that the stanza is handled. */
  readonly id: bigint | undefined
  readonly name: Stanza['name']
  /** Whether it may wait while its domain cannot be reached: what a person has said may. */
  readonly mayWait: boolean

  /** @param xml the stanza, where it is written already */
  constructor(stanza: Stanza, id: bigint | undefined, xml = stanza.toXml()) {
    const { name, type } = stanza
    this.xml = xml
    this.id = id
    this.name = name
    this.mayWait = name === 'message' && type !== 'headline' && type !== 'error'
  }

  /** Read anew each time. */
  get stanza(): Stanza {
    return parseStanza(this.xml)
  }
}

/** What is older when its way is taken over says when it was sent (XEP-0203) (ms). */
const LATE = 60_000
/** A request that is older when its way is taken over is not sent any more (ms). */
const STALE = 25_000

/**
 * Whether a stanza must be durable before it counts as handled (XEP-0198 §4): a client that is told so sends it never again.
 * Subscriptions change rosters on both sides, so that they always must be.
 */
export function isOwed(stanza: Stanza, transit: Transit): boolean {
  const { name, type } = stanza
  if (name === 'presence') return SUBSCRIPTIONS.has(type)
  if (transit.k === 0) return false
  return name === 'iq' ? type === 'get' || type === 'set' : type !== 'headline' && type !== 'error'
}

const SUBSCRIPTIONS: ReadonlySet<string> = new Set(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])

export function ownerOf({ from, to }: Pair): Owner {
  return wayOwner(from, to)
}

/** The name under which one node has a way (`Live.place`). */
export function placeOf(way: Owner): string {
  return `s2s ${way}`
}

export function blocked({ to }: Pair): StanzaError {
  return new StanzaError('not-allowed', `${to} is not federated with`)
}

export function tooMany(): StanzaError {
  return new StanzaError('resource-constraint', 'Too many other servers at once', { type: 'wait' })
}

export function rowOf(pair: Pair, stanza: Stanza, xml: string): LogEntry {
  return {
    owner: ownerOf(pair),
    peer: stanza.to?.bare.text ?? pair.to,
    type: stanza.name === 'message' ? stanza.type : 'normal',
    stanza: xml,
    kept: false,
    owed: true,
  }
}

/** What another process, or an earlier one, has left: a message that comes late says when it was sent. */
export function entryOf({ id, stanza: xml }: LogRow, { from }: Pair, now: number): Entry {
  const stanza = parseStanza(xml)
  if (stanza.name !== 'message' || now - idTime(id) < LATE || stanza.child('delay', NS.delay))
    return new Entry(stanza, id, xml)
  return new Entry(stanza.withChildren([...stanza.children, delay(from, idTime(id))]), id)
}

/** Whether it is a request that must be answered now (P5), whether it was delivered or not. */
export function isStale({ name, id }: Entry, now: number): boolean {
  return name === 'iq' && id !== undefined && now - idTime(id) > STALE
}

/** By the ids of their rows, as they were sent; what has none comes last, in its order. */
export function inOrder(rows: readonly Entry[], entries: readonly Entry[]): readonly Entry[] {
  const known = new Map(entries.map(entry => [entry.id, entry]))
  const ids = new Set(rows.map(({ id }) => id))
  return [...rows.map(row => known.get(row.id) ?? row), ...entries.filter(({ id }) => id === undefined || !ids.has(id))]
}
