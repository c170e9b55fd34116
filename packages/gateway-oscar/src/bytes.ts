import { AdapterError } from '@parley/adapter'

/** Reads what is built of numbers, strings and TLVs. Everything throws where the bytes end too early. */
export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** @throws AdapterError `protocol` */
  take(length: number): Buffer {
    if (length < 0 || length > this.left) throw new AdapterError('protocol', 'The server says less than it announces')
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }

  byte = (): number => this.take(1).readUInt8()
  word = (): number => this.take(2).readUInt16BE()
  long = (): number => this.take(4).readUInt32BE()
  /** ICQ's own parts are little-endian. */
  wordLE = (): number => this.take(2).readUInt16LE()
  longLE = (): number => this.take(4).readUInt32LE()
  rest = (): Buffer => this.take(this.left)

  /** A string behind its length in a byte. */
  short(): string {
    return textOf(this.take(this.byte()))
  }

  /** @param most how many; all that are there where it is not given */
  tlvs(most = Number.POSITIVE_INFINITY): Tlvs {
    const tlvs: Tlvs = new Map()
    for (let n = 0; n < most && this.left >= 4; n++) {
      const type = this.word()
      tlvs.set(type, this.take(this.word()))
    }
    return tlvs
  }
}

export type Tlvs = Map<number, Buffer>

export const long = (tlvs: Tlvs, type: number): number | undefined => number(tlvs.get(type), 4)
export const word = (tlvs: Tlvs, type: number): number | undefined => number(tlvs.get(type), 2)

/** The last bytes count: a server may give two or four. */
function number(bytes: Buffer | undefined, most: number): number | undefined {
  if (!bytes || bytes.length === 0 || bytes.length > 4) return undefined
  return bytes.readUIntBE(Math.max(0, bytes.length - most), Math.min(most, bytes.length))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** UTF-8 where it is that; old programs send one byte for a letter. */
export function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

export const u8 = (...values: number[]) => Buffer.from(values)

export function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function tlv(type: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const value = Buffer.concat(parts.map(part => Buffer.from(part)))
  return Buffer.concat([u16(type, sized(value, 0xffff)), value])
}

/** A string behind its length in a byte. */
export function short(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([u8(sized(bytes, 0xff)), bytes])
}

/** A string behind its length in a word. */
export function counted(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([u16(sized(bytes, 0xffff)), bytes])
}

function sized(bytes: Buffer, most: number): number {
  if (bytes.length > most) throw new AdapterError('too-large', 'That is too long for AIM and ICQ')
  return bytes.length
}
