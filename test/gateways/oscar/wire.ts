/** The server's side of FLAP and SNAC, by the iserverd OSCAR documentation: written apart from the adapter's. */
export type Bytes = readonly number[]

export const word = (n: number): number[] => [(n >> 8) & 255, n & 255]
export const long = (n: number): number[] => [...word(n >>> 16), ...word(n)]
export const wordLE = (n: number): number[] => word(n).reverse()
export const longLE = (n: number): number[] => long(n).reverse()
export const text = (s: string): number[] => [...Buffer.from(s)]
export const name = (s: string): number[] => [text(s).length, ...text(s)]
export const tlv = (type: number, value: Bytes): number[] => [...word(type), ...word(value.length), ...value]

export interface Said {
  readonly family: number
  readonly subtype: number
  readonly id: number
  readonly data: Buffer
}

export interface Frame {
  readonly channel: number
  readonly body: Buffer
}

/** One side of a connection: frames must be numbered without a gap. */
export class Frames {
  #rest = Buffer.alloc(0)
  #next: number | undefined
  #own = 0x100;

  *read(chunk: Buffer): Generator<Frame> {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 6) {
      if (this.#rest[0] !== 0x2a) throw new Error('That is no frame')
      const number = this.#rest.readUInt16BE(2)
      const size = this.#rest.readUInt16BE(4)
      if (this.#rest.length < size + 6) return
      if (this.#next !== undefined && number !== this.#next)
        throw new Error(`Frame ${number} in place of ${this.#next}`)
      this.#next = (number + 1) % 0x8000
      yield { channel: this.#rest[1] as number, body: this.#rest.subarray(6, 6 + size) }
      this.#rest = this.#rest.subarray(6 + size)
    }
  }

  write(channel: number, body: Bytes): Buffer {
    return Buffer.from([0x2a, channel, ...word(this.#own++), ...word(body.length), ...body])
  }
}

export function said(body: Buffer): Said {
  return {
    family: body.readUInt16BE(0),
    subtype: body.readUInt16BE(2),
    id: body.readUInt32BE(6),
    data: body.subarray(10),
  }
}

/** @param flags 0x8000: something unknown is in front; 1: more follows */
export function snac(family: number, subtype: number, id: number, data: Bytes, flags = 0): number[] {
  const front = flags & 0x8000 ? [...word(6), ...tlv(1, word(3))] : []
  return [...word(family), ...word(subtype), ...word(flags), ...long(id), ...front, ...data]
}

export function tlvs(data: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at < data.length; ) {
    const size = data.readUInt16BE(at + 2)
    if (at + 4 + size > data.length) throw new Error('A TLV is longer than its packet')
    found.set(data.readUInt16BE(at), data.subarray(at + 4, at + 4 + size))
    at += 4 + size
  }
  return found
}
