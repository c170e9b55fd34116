import type { Presence, Show } from '@parley/adapter'
import { type Element, el } from '@parley/xml'
import { readDocument, writeDocument } from '../document.ts'
import { ACTIVITIES, rowOf } from './table.ts'

export const PIDF = 'application/pidf+xml'
const NS = 'urn:ietf:params:xml:ns:pidf'
const MODEL = 'urn:ietf:params:xml:ns:pidf:data-model'
const RPID = 'urn:ietf:params:xml:ns:pidf:rpid'
const SHOW = 'jabber:client'
/** Before what an activity of RPID is called, where it is kept as the network's own word. */
const NATIVE = 'rpid:'
const SHOWS: ReadonlySet<string> = new Set(['chat', 'away', 'xa', 'dnd'])

/** A presence as PIDF (RFC 3863): one tuple for whatever the user is reached with (RFC 8048 §6.2). */
export function writePidf(entity: string, presence: Presence): Buffer {
  const row = rowOf(presence.show)
  const open = row.basic === 'open'
  const own = presence.native?.startsWith(NATIVE) ? presence.native.slice(NATIVE.length) : undefined
  const activity = own !== undefined && ACTIVITIES.get(own) === presence.show ? own : row.activity
  const idle = open && presence.idleSince !== undefined ? new Date(presence.idleSince).toISOString() : undefined
  return writeDocument(
    el(
      'presence',
      NS,
      { entity: entity.replace(/^sips?:/, 'pres:') },
      el(
        'tuple',
        NS,
        { id: 'xmpp' },
        el(
          'status',
          NS,
          null,
          el('basic', NS, null, row.basic),
          row.extension && el('show', SHOW, null, row.extension),
        ),
        el('contact', NS, { priority: '0.5' }, entity),
        open && presence.text && el('note', NS, null, presence.text),
      ),
      open &&
        (activity || idle !== undefined) &&
        el(
          'person',
          MODEL,
          { id: 'user' },
          activity && el('activities', RPID, null, el(activity, RPID)),
          idle !== undefined && el('user-input', RPID, { 'last-input': idle }, 'idle'),
        ),
    ),
  )
}

/**
 * What PIDF says of somebody, as one presence: of several tuples the one with the highest priority that is open
 * counts. Undefined where it is no PIDF.
 */
export function readPidf(bytes: Buffer): Presence | undefined {
  const root = readDocument(bytes)
  if (!root?.is('presence', NS)) return undefined
  const tuples = root.childrenNamed('tuple')
  const open = tuples.filter(tuple => basicOf(tuple) === 'open').sort((a, b) => priorityOf(b) - priorityOf(a))
  const tuple = open[0]
  const text = (tuple ?? tuples[0])?.textOf('note') || root.textOf('note') || noteOf(root)
  if (!tuple) return { show: 'unavailable', ...(text && { text }) }
  const activity = activityOf(tuple, root)
  const word = tuple.child('status')?.child('show', SHOW)?.text().trim()
  const show = word && SHOWS.has(word) ? (word as Show) : (activity && ACTIVITIES.get(activity)) || 'available'
  const idleSince = idleOf(tuple, root)
  return {
    show,
    ...(text && { text }),
    ...(activity && { native: NATIVE + activity }),
    ...(idleSince !== undefined && { idleSince }),
  }
}

const basicOf = (tuple: Element) => tuple.child('status')?.textOf('basic')?.trim().toLowerCase()

function priorityOf(tuple: Element): number {
  const priority = Number(tuple.child('contact')?.attr('priority') ?? 0)
  return Number.isFinite(priority) ? priority : 0
}

/** What RPID says stands with the person; older peers have it in the tuple, or in its status. */
function rpid(name: string, tuple: Element, root: Element): Element | undefined {
  const places = [...root.childrenNamed('person', MODEL), tuple, tuple.child('status'), root]
  for (const place of places) {
    const found = place?.child(name, RPID)
    if (found) return found
  }
  return undefined
}

function activityOf(tuple: Element, root: Element): string | undefined {
  const names =
    rpid('activities', tuple, root)
      ?.elements()
      .filter(one => one.ns === RPID)
      .map(one => one.name) ?? []
  return names.find(name => ACTIVITIES.has(name))
}

function idleOf(tuple: Element, root: Element): number | undefined {
  const input = rpid('user-input', tuple, root)
  if (input?.text().trim() !== 'idle') return undefined
  const at = Date.parse(input.attr('last-input') ?? '')
  return Number.isNaN(at) ? undefined : at
}

function noteOf(root: Element): string | undefined {
  const person = root.child('person', MODEL)
  return person?.textOf('note') || person?.child('activities', RPID)?.textOf('note', RPID) || undefined
}
