import type { Heard } from '@parley/adapter'
import { counted, Reader, short, type Tlvs, tlv, u8, u16 } from './bytes.ts'
import { canonical, isIcq } from './id.ts'
import { readUser } from './statuses.ts'
import { decode, encode, fromHtml, isHtml, toHtml } from './text.ts'

/** SNAC(04,06) on channel 1: with an acknowledgement, and kept where they are away. */
export function messageTo(peer: string, cookie: Buffer, text: string): Buffer {
  const { charset, bytes } = encode(isIcq(peer) ? text : toHtml(text))
  const features = Buffer.concat([u8(5, 1), counted(u8(1))])
  const words = Buffer.concat([u8(1, 1), counted(Buffer.concat([u16(charset, 0), bytes]))])
  return Buffer.concat([cookie, u16(1), short(peer), tlv(2, features, words), tlv(3), tlv(6)])
}

/** Something that somebody there has sent. */
export type Arrived =
  | { readonly kind: 'message'; readonly heard: Heard }
  | { readonly kind: 'request'; readonly id: string; readonly text: string }
  /** A file, a picture, a conference. */
  | { readonly kind: 'offer'; readonly id: string }

/** SNAC(04,07). @throws AdapterError where it is none */
export function arrived(data: Buffer, me: string): Arrived | undefined {
  const reader = new Reader(data)
  const cookie = reader.take(8).toString('hex')
  const channel = reader.word()
  const { id } = readUser(reader)
  const tlvs = reader.tlvs()
  if (id === undefined || id === me) return undefined
  if (channel === 1) {
    const text = plain(textIn(tlvs.get(2) ?? Buffer.alloc(0)), me)
    return text === ''
      ? undefined
      : { kind: 'message', heard: { peer: id, id: cookie, text, origin: 'remote', ...time(tlvs) } }
  }
  if (channel === 4) return old(tlvs.get(5), id, cookie)
  return channel === 2 && (tlvs.get(5)?.[1] ?? 1) === 0 ? { kind: 'offer', id } : undefined
}

/** Words of all parts. */
function textIn(bytes: Buffer): string {
  const reader = new Reader(bytes)
  let text = ''
  while (reader.left >= 4) {
    const kind = reader.byte()
    reader.byte()
    const part = new Reader(reader.take(reader.word()))
    if (kind !== 1 || part.left < 4) continue
    const charset = part.word()
    part.word()
    text += decode(part.rest(), charset)
  }
  return text
}

/** A user of AIM gets HTML from everybody; a user of ICQ from programs of AIM. */
function plain(text: string, me: string): string {
  const words = isIcq(me) && !isHtml(text) ? text.replace(/\r\n?/g, '\n') : fromHtml(text)
  return words.replaceAll('\0', '')
}

/** When it was said, where it has waited. */
function time(tlvs: Tlvs): { readonly at?: number } {
  const bytes = tlvs.get(0x16)
  return tlvs.has(6) && bytes?.length === 4 ? { at: bytes.readUInt32BE() * 1000 } : {}
}

/** Channel 4: what programs of ICQ said before there was OSCAR. */
function old(bytes: Buffer | undefined, id: string, cookie: string): Arrived | undefined {
  if (!bytes) return undefined
  const reader = new Reader(bytes)
  reader.longLE()
  const kind = reader.byte()
  reader.byte()
  const text = oldText(reader.take(reader.wordLE()))
  if (kind === 1 && text) return { kind: 'message', heard: { peer: id, id: cookie, text, origin: 'remote' } }
  // Nick, names, address and reason, with FE between.
  if (kind === 6) return { kind: 'request', id, text: text.split('\u00fe').at(-1) ?? '' }
  return undefined
}

const oldText = (bytes: Buffer) => bytes.toString('latin1').replace(/\0.*$/s, '').replace(/\r\n?/g, '\n')

/** One of the messages that waited, SNAC(15,03)/0041, behind type and number. @throws AdapterError where it is none */
export function waited(reader: Reader): Heard | undefined {
  const peer = canonical(String(reader.longLE()))
  const [year, month, day, hour, minute] = [reader.wordLE(), reader.byte(), reader.byte(), reader.byte(), reader.byte()]
  const kind = reader.byte()
  reader.byte()
  const text = oldText(reader.take(reader.wordLE()))
  const at = Date.UTC(year, month - 1, day, hour, minute)
  if (peer === undefined || kind !== 1 || text === '') return undefined
  return { peer, text, origin: 'remote', ...(at > 0 ? { at } : {}) }
}
