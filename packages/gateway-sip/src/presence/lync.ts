import type { Presence } from '@parley/adapter'
import { type Element, el } from '@parley/xml'
import { readDocument, writeDocument } from '../document.ts'
import { AVAILABILITY, AVAILABILITY_OF } from './table.ts'

/** Enhanced presence, as MS-PRES describes it: what Lync and Skype for Business understand beyond open and closed. */
export const CATEGORIES = 'application/msrtc-event-categories+xml'
const NS = 'http://schemas.microsoft.com/2006/09/sip/categories'
const STATE = 'http://schemas.microsoft.com/2006/09/sip/state'
const NOTE = 'http://schemas.microsoft.com/2006/09/sip/note'
const XSI = 'http://www.w3.org/2001/XMLSchema-instance'
const NATIVE = 'lync:'

/** @param now milliseconds since 1970 */
export function writeCategories(entity: string, presence: Presence, now: number): Buffer {
  const publishTime = new Date(now).toISOString()
  const own = presence.native?.startsWith(NATIVE) ? Number(presence.native.slice(NATIVE.length)) : Number.NaN
  const number = classOf(own)?.[1] === presence.show ? own : AVAILABILITY_OF[presence.show]
  const type = { 'xmlns:xsi': XSI, 'xsi:type': 'aggregateState' }
  const about = { instance: 0, publishTime }
  return writeDocument(
    el(
      'categories',
      NS,
      { uri: entity },
      el(
        'category',
        NS,
        { name: 'state', ...about },
        el('state', STATE, type, el('availability', STATE, null, number)),
      ),
      presence.text &&
        number < 18_000 &&
        el(
          'category',
          NS,
          { name: 'note', ...about },
          el('note', NOTE, null, el('body', NOTE, { type: 'personal', uri: '' }, presence.text)),
        ),
    ),
  )
}

/** Undefined where it is no such document, or says nothing of the state. */
export function readCategories(bytes: Buffer): Presence | undefined {
  const root = readDocument(bytes)
  if (!root?.is('categories', NS)) return undefined
  const contents = (name: string, ns: string) =>
    root
      .childrenNamed('category')
      .map(category => category.child(name, ns))
      .filter((one): one is Element => !!one)
  const numbers = contents('state', STATE).map(state => Number(state.textOf('availability')?.trim() || Number.NaN))
  const known = classOf(numbers.find(number => classOf(number) !== undefined) ?? Number.NaN)
  if (!known) return undefined
  const text = contents('note', NOTE)
    .map(note => note.textOf('body'))
    .find(body => body)
  return { show: known[1], native: `${NATIVE}${known[0]}`, ...(text && { text }) }
}

/** The number, and the show that its class is. */
function classOf(number: number): readonly [number, Presence['show']] | undefined {
  const found = Number.isInteger(number) && number >= 0 ? AVAILABILITY.find(([from]) => number >= from) : undefined
  return found && [number, found[1]]
}
