import type { Presence } from '@parley/adapter'
import { parseType } from '../wire/fields.ts'
import type { Request } from '../wire/message.ts'
import { CATEGORIES, readCategories, writeCategories } from './lync.ts'
import { PIDF, readPidf, writePidf } from './pidf.ts'

/** What we understand of others, the better first. */
export const ACCEPT = `${PIDF}, ${CATEGORIES}`

/** Undefined where the body is neither of the documents that we asked for. */
export function readPresence(request: Request): Presence | undefined {
  const { type } = parseType(request.headers.get('content-type') ?? '')
  return type === PIDF ? readPidf(request.body) : type === CATEGORIES ? readCategories(request.body) : undefined
}

/** The document that a watcher takes; undefined where it takes none of ours (RFC 3856 §6.5: without a word it is PIDF). */
export function acceptable(accepted: readonly string[]): typeof PIDF | typeof CATEGORIES | undefined {
  const types = accepted.map(one => parseType(one).type)
  if (types.length === 0 || types.some(type => type === PIDF || type === 'application/*' || type === '*/*')) return PIDF
  return types.includes(CATEGORIES) ? CATEGORIES : undefined
}

export function writePresence(type: string, entity: string, presence: Presence, now: number): Buffer {
  return type === CATEGORIES ? writeCategories(entity, presence, now) : writePidf(entity, presence)
}
