import type { Jid } from '@parley/jid'
import { type Body, delay, Message, NS, parseDateTime } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { MUC } from './namespaces.ts'

/** Something that was said before. */
export interface Earlier {
  /** Its row in the room's log. */
  readonly row: bigint
  readonly from: Jid
  readonly id: string | undefined
  /** Its children as they were sent, ids of the room included. */
  readonly body: Body
  /** Milliseconds since 1970. */
  readonly at: number
}

/** How much a client wants (XEP-0045 §7.2.14); all bounds hold together. */
export interface WantedHistory {
  readonly stanzas?: number
  readonly chars?: number
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly seconds?: number
}

/** Values that cannot be are as if they were not there: a client that wants too much gets what the room gives (threat 89). */
export function readHistory(x: Element | undefined): WantedHistory {
  const attrs = x?.child('history', MUC)?.attrs ?? {}
  const whole = (name: string) => {
    const text = attrs[name] ?? ''
    return /^\d{1,9}$/.test(text) ? Number(text) : undefined
  }
  const since = parseDateTime(attrs['since'] ?? '')
  return {
    ...optional('stanzas', whole('maxstanzas')),
    ...optional('chars', whole('maxchars')),
    ...optional('seconds', whole('seconds')),
    ...optional('since', since),
  }
}

/** The newest that fit, oldest first, each for that client and with the time when it was said (XEP-0203). */
export function historyOf(
  earlier: readonly Earlier[],
  wanted: WantedHistory,
  { to, most, now }: { readonly to: Jid; readonly most: number; readonly now: number },
): Message[] {
  const from = Math.max(wanted.since ?? 0, wanted.seconds === undefined ? 0 : now - wanted.seconds * 1000)
  const stanzas = Math.min(wanted.stanzas ?? most, most)
  let left = wanted.chars ?? Number.POSITIVE_INFINITY
  const found: Message[] = []
  for (let i = earlier.length - 1; i >= 0 && found.length < stanzas; i--) {
    const { from: sender, id, body, at } = earlier[i]!
    if (at < from) break
    const room = sender.bare
    const told = isPrior(body, room) ? body : body.plus(delay(room, at))
    const message = new Message({ type: 'groupchat', from: sender, to, id }, told)
    if (wanted.chars !== undefined) {
      // "the characters of the complete XML stanzas, not only their XML character data"
      left -= [...message.toXml()].length
      if (left < 0) break
    }
    found.push(message)
  }
  return found.reverse()
}

/** §7.9: what was said before there was the room says when that was, and keeps it. */
function isPrior(body: Body, room: Jid): boolean {
  return body.nodes.some(node => typeof node !== 'string' && isDelay(node) && !isOf(room, node))
}

export function isDelay(element: Element): boolean {
  return element.name === 'delay' && element.ns === NS.delay
}

/** Whether the room, or somebody in it, is said to have delayed something. */
export function isOf(room: Jid, { attrs }: Element): boolean {
  const { from = '' } = attrs
  return from === room.text || from.startsWith(`${room.text}/`)
}

function optional<K extends string, T>(name: K, value: T | undefined): { readonly [k in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [k in K]?: T }
}
