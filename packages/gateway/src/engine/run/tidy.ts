import type { Event } from '@parley/adapter'
import { clean, cleanLine } from '../text/clean.ts'

/** Characters. What a network says is longer than what it takes. */
const TEXT = 262_144
const LINE = 4096
const ID = 512
const ENTRIES = 20_000
const DEPTH = 5

/** What comes with line breaks. */
const TEXTS = new Set(['text', 'note', 'topic'])
/** What names something: nothing of it may be changed. */
const IDS = new Set([
  'id',
  'peer',
  'nick',
  'target',
  'media',
  'user',
  'before',
  'key',
  'replyTo',
  'thread',
  'native',
  'ids',
])
/** Without those it is still an event. */
const SPARE = new Set(['replyTo', 'thread', 'native'])
const TYPES: ReadonlySet<string> = new Set<Event['type']>([
  ...(['state', 'ended', 'self', 'roster', 'contact', 'contact-gone', 'request', 'presence', 'own-presence'] as const),
  ...(['message', 'typing', 'receipt', 'edit', 'retract', 'reaction', 'attention', 'bounced', 'profile'] as const),
  ...(['avatar', 'room', 'room-member', 'room-member-gone', 'room-left', 'notice'] as const),
])

class Refused extends Error {}

/**
 * An event as it may go on: what strangers say has no control characters and no end; what cannot be an event is none. A message
 * whose id cannot be one is a message without id.
 */
export function tidy(event: Event): Event | undefined {
  if (typeof event !== 'object' || event === null || !TYPES.has(event.type)) return undefined
  const isMessage = event.type === 'message'
  try {
    const tidied: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(event)) {
      if (name === 'error') tidied[name] = value
      else if (isMessage && name === 'id' && !isId(value)) continue
      else set(tidied, name, value, DEPTH)
    }
    return tidied as unknown as Event
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

/** Characters of all that an event says: lists are long where texts are short. */
export function charsOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  let chars = 0
  for (const each of Object.values(value)) chars += charsOf(each)
  return chars
}

function set(into: Record<string, unknown>, name: string, value: unknown, depth: number): void {
  if (value === undefined) return
  if (SPARE.has(name) && !isId(value)) return
  into[name] = tidied(name, value, depth)
}

function tidied(name: string, value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      if (IDS.has(name)) {
        if (!isId(value)) throw new Refused()
        return value
      }
      return TEXTS.has(name) ? clean(value.slice(0, TEXT)) : cleanLine(value.slice(0, LINE))
    case 'number':
      if (!Number.isFinite(value) || IDS.has(name)) throw new Refused()
      return value
    case 'boolean':
      return value
    case 'object': {
      if (value === null || depth === 0) throw new Refused()
      if (Array.isArray(value)) return list(name, value, depth)
      const into: Record<string, unknown> = {}
      for (const [key, each] of Object.entries(value)) set(into, key, each, depth - 1)
      return into
    }
    default:
      throw new Refused()
  }
}

/** Entries that cannot be are left out: one bad contact must not hide the others. */
function list(name: string, values: readonly unknown[], depth: number): unknown[] {
  return values.slice(0, ENTRIES).flatMap(each => {
    try {
      return [tidied(name, each, depth - 1)]
    } catch (error) {
      if (error instanceof Refused) return []
      throw error
    }
  })
}

function isId(value: unknown): boolean {
  return (
    typeof value === 'string' && value !== '' && value.length <= ID && clean(value) === value && !/[\n\t]/.test(value)
  )
}
