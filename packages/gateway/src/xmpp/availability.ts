import type { Presence, Show } from '@parley/adapter'
import type { SessionEntry } from '@parley/live'
import { Body, parseDateTime } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { clean } from '../engine/text/clean.ts'
import { CLIENT, IDLE } from './namespaces.ts'

/** The more reachable first. */
const REACHABLE: readonly string[] = ['chat', '', 'away', 'xa', 'dnd']

/**
 * How the user is, in the eyes of a network that knows one presence: that of the client with the highest priority, of those
 * the one that can be reached best. Clients with a negative priority want nothing (RFC 6121 §4.7.2.3). Undefined: away.
 */
export function presenceOf(sessions: readonly SessionEntry[]): Presence | undefined {
  let best: SessionEntry | undefined
  for (const entry of sessions)
    if (entry.presence && entry.presence.priority >= 0 && (!best || isBetter(entry, best))) best = entry
  if (!best?.presence) return undefined
  const { show, xml } = best.presence
  const children = Body.fromXml(xml).nodes.filter((node): node is Element => typeof node !== 'string')
  const text = children.find(child => child.is('status', CLIENT))?.text()
  const since = parseDateTime(children.find(child => child.is('idle', IDLE))?.attrs['since'] ?? '')
  return {
    show: show === '' ? 'available' : (show as Show),
    ...(text !== undefined && text !== '' && { text: clean(text) }),
    ...(since !== undefined && { idleSince: since }),
  }
}

function isBetter(one: SessionEntry, other: SessionEntry): boolean {
  const [a, b] = [one.presence!, other.presence!]
  if (a.priority !== b.priority) return a.priority > b.priority
  return REACHABLE.indexOf(a.show) < REACHABLE.indexOf(b.show)
}
