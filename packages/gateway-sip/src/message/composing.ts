import { el } from '@parley/xml'
import { readDocument, writeDocument } from '../document.ts'

export const COMPOSING = 'application/im-iscomposing+xml'
const NS = 'urn:ietf:params:xml:ns:im-iscomposing'
/** Seconds that `active` holds without another word, if the other side does not say (RFC 3994 §3.2), and at least. */
const STANDARD = 120
const SHORTEST = 60
const LONGEST = 600

export function writeComposing(active: boolean): Buffer {
  return writeDocument(
    el(
      'isComposing',
      NS,
      null,
      el('state', NS, null, active ? 'active' : 'idle'),
      el('contenttype', NS, null, 'text/plain'),
      active && el('refresh', NS, null, SHORTEST),
    ),
  )
}

/** What is not `active` is `idle` (§3.5). Undefined where it is no such document. */
export function readComposing(bytes: Buffer): { readonly active: boolean; readonly refresh: number } | undefined {
  const root = readDocument(bytes)
  if (!root?.is('isComposing', NS)) return undefined
  const refresh = Number(root.textOf('refresh')?.trim() || STANDARD)
  return {
    active: root.textOf('state')?.trim().toLowerCase() === 'active',
    refresh: refresh >= SHORTEST && refresh <= LONGEST ? refresh : STANDARD,
  }
}
