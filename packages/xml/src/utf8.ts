import { isAscii, isUtf8 } from 'node:buffer'
import { XmlStreamError } from './errors.ts'

/** Bytes to text, strictly: nothing is repaired. A character that is cut waits for its other bytes. */
export class Utf8Decoder {
  #tail: Buffer | undefined
  #ascii = true

  /** Whether the last text had one byte for each character. */
  get ascii(): boolean {
    return this.#ascii
  }

  get hasTail(): boolean {
    return this.#tail !== undefined
  }

  reset(): void {
    this.#tail = undefined
  }

  /** @throws XmlStreamError `bad-format` where the bytes are no UTF-8 */
  decode(chunk: Buffer): string {
    this.#ascii = this.#tail === undefined && isAscii(chunk)
    if (this.#ascii) return chunk.toString('latin1')
    const bytes = this.#tail === undefined ? chunk : Buffer.concat([this.#tail, chunk])
    const cut = cutAt(bytes)
    const whole = cut === bytes.length ? bytes : bytes.subarray(0, cut)
    if (!isUtf8(whole)) throw new XmlStreamError('bad-format', 'not UTF-8')
    this.#tail = cut === bytes.length ? undefined : Buffer.from(bytes.subarray(cut))
    return whole.toString('utf8')
  }
}

/** Where an incomplete last character begins, or the length. */
function cutAt(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    // C0, C1 and F5 to FF begin no character: they are not waited for.
    return back < length && byte >= 0xc2 && byte <= 0xf4 ? bytes.length - back : bytes.length
  }
  return bytes.length
}
