import { Jid } from '@parley/jid'
import type { Packet, SessionEntry } from '../live.ts'

/**
 * A packet as it travels and waits in Redis: `owed, mid, flags, replaces, xml`, a line each but for the last. What is owed
 * stands first, where the functions look for it. No field but the last has line breaks: addresses cannot (RFC 7622 §3).
 */
export function encodePacket({ xml, mid, owed, fromLog, urgency, replaces = '', leftover }: Packet): string {
  const flags = (urgency === 'now' ? 'n' : 'l') + (leftover?.[0] ?? '-') + (fromLog ? 'f' : '-')
  return `${owed ?? ''}\n${mid}\n${flags}\n${replaces}\n${xml}`
}

export function decodePacket(text: string): Packet {
  const a = text.indexOf('\n')
  const b = text.indexOf('\n', a + 1)
  const c = text.indexOf('\n', b + 1)
  const d = text.indexOf('\n', c + 1)
  const leftover = text[b + 2] === 'm' ? 'message' : text[b + 2] === 'r' ? 'request' : undefined
  return {
    xml: text.slice(d + 1),
    mid: text.slice(a + 1, b),
    urgency: text[b + 1] === 'n' ? 'now' : 'later',
    ...(a > 0 && { owed: BigInt(text.slice(0, a)) }),
    ...(text[b + 3] === 'f' && { fromLog: true as const }),
    ...(d > c + 1 && { replaces: text.slice(c + 1, d) }),
    ...(leftover && { leftover }),
  }
}

/** Where a session is, and what everybody may know of it. */
export interface Place {
  readonly node: string
  readonly entry: SessionEntry
}

export function encodePlace({ node, entry: { sid, jid, ...rest } }: Place): string {
  return `${node}\n${jid.resource}\n${JSON.stringify(rest)}`
}

/** `undefined`: what stands there is not a place, so somebody else wrote it. */
export function decodePlace(bare: string, sid: string, value: string): Place | undefined {
  const [node, resource, json] = splitTwice(value)
  if (!json) return undefined
  // JSON leaves out what is undefined.
  const { presence, caps, ...rest } = JSON.parse(json) as Omit<SessionEntry, 'sid' | 'jid'>
  return { node, entry: { ...rest, presence, caps, sid, jid: Jid.parse(bare).withResource(resource) } }
}

/** Several packets for sessions without numbers in one message: `sid, bare, length, packet` each. */
export function encodeMail(sid: string, bare: string, packet: string): string {
  return `${sid}\n${bare}\n${packet.length}\n${packet}`
}

export function* decodeMail(text: string): Generator<[sid: string, bare: string, packet: Packet]> {
  let at = 0
  while (at < text.length) {
    const a = text.indexOf('\n', at)
    const b = text.indexOf('\n', a + 1)
    const c = text.indexOf('\n', b + 1)
    const end = c + 1 + Number(text.slice(b + 1, c))
    yield [text.slice(at, a), text.slice(a + 1, b), decodePacket(text.slice(c + 1, end))]
    at = end
  }
}

/** The first two lines, and all behind them. */
export function splitTwice(text: string): [string, string, string] {
  const a = text.indexOf('\n')
  const b = text.indexOf('\n', a + 1)
  return [text.slice(0, a), text.slice(a + 1, b), text.slice(b + 1)]
}
