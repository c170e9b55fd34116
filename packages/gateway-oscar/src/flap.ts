import { AdapterError, FrameReader } from '@parley/adapter'
import { Reader, u16, u32 } from './bytes.ts'

export const CHANNEL = { hello: 1, data: 2, error: 3, goodbye: 4, alive: 5 } as const

export interface Flap {
  readonly channel: number
  readonly body: Buffer
}

/** What goes over channel 2: a family of services, and what it is about. */
export interface Snac {
  readonly family: number
  readonly subtype: number
  /** More of the same answer follows. */
  readonly more: boolean
  /** The number of the question that it answers. */
  readonly id: number
  readonly data: Buffer
}

const MAGIC = 0x2a
const HEAD = 6
const MOST = 65_535

export function encodeFlap(channel: number, sequence: number, body: Buffer): Buffer {
  if (body.length > MOST) throw new AdapterError('too-large', 'That is too long for AIM and ICQ')
  return Buffer.concat([Buffer.from([MAGIC, channel]), u16(sequence & 0xffff, body.length), body])
}

export function encodeSnac(family: number, subtype: number, id: number, data: Buffer): Buffer {
  return Buffer.concat([u16(family, subtype, 0), u32(id), data])
}

/** Cuts what arrives into frames. */
export class FlapReader {
  readonly #frames = new FrameReader({
    head: HEAD,
    most: MOST,
    length: head => {
      if (head[0] !== MAGIC) throw new AdapterError('protocol', 'That is no server of AIM or ICQ')
      return head.readUInt16BE(4)
    },
  });

  /** @throws AdapterError where it is no frame */
  *read(chunk: Uint8Array): Generator<Flap, void> {
    for (const { head, body } of this.#frames.read(chunk)) yield { channel: head[1] as number, body: Buffer.from(body) }
  }
}

/** @throws AdapterError where it is none */
export function parseSnac(body: Buffer): Snac {
  const reader = new Reader(body)
  const [family, subtype, flags, id] = [reader.word(), reader.word(), reader.word(), reader.long()]
  // With the highest flag, something that nobody needs comes first.
  if (flags & 0x8000) reader.take(reader.word())
  return { family, subtype, more: (flags & 1) !== 0, id, data: reader.rest() }
}
