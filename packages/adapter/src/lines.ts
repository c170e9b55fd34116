import { AdapterError } from './errors.ts'

const LF = 0x0a
const CR = 0x0d

/** Cuts what arrives into lines that end with LF or CRLF. A line is given as bytes, without its end. */
export class LineReader {
  readonly #max: number
  #rest: Buffer = Buffer.alloc(0)
  /** Bytes that follow, whatever they are, before the next line. */
  #wanted = 0

  /** @param max bytes of one line */
  constructor(max: number) {
    this.#max = max
  }

  /** @throws AdapterError where a line is too long */
  *read(chunk: Uint8Array): Generator<Buffer, void> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    for (;;) {
      const piece = this.#wanted > 0 ? this.#block() : this.#line()
      if (!piece) return
      yield piece
    }
  }

  /** What follows the line that was just read is a block of so many bytes; 0: of none, and the next line follows. @throws AdapterError where that is too much */
  expect(bytes: number, most: number): void {
    if (!Number.isInteger(bytes) || bytes < 0 || bytes > most) throw new AdapterError('protocol', 'A block is too long')
    this.#wanted = bytes
  }

  #line(): Buffer | undefined {
    const end = this.#rest.indexOf(LF)
    if (end > this.#max || (end === -1 && this.#rest.length > this.#max))
      throw new AdapterError('protocol', 'A line is too long')
    if (end === -1) return undefined
    const line = this.#rest.subarray(0, end > 0 && this.#rest[end - 1] === CR ? end - 1 : end)
    this.#rest = this.#rest.subarray(end + 1)
    return line
  }

  #block(): Buffer | undefined {
    if (this.#rest.length < this.#wanted) return undefined
    const block = this.#rest.subarray(0, this.#wanted)
    this.#rest = this.#rest.subarray(this.#wanted)
    this.#wanted = 0
    return block
  }
}
