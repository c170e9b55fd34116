import { AdapterError } from './errors.ts'

export interface Framing {
  /** Bytes of the head. */
  readonly head: number
  /** Bytes of the body that a head announces. @throws AdapterError where it is no head */
  length(head: Buffer): number
  /** Bytes of a body. */
  readonly most: number
}

/** Cuts what arrives into frames: a head of fixed length that says how long the body is. */
export class FrameReader {
  readonly #framing: Framing
  #rest: Buffer = Buffer.alloc(0)

  constructor(framing: Framing) {
    this.#framing = framing
  }

  /** @throws AdapterError where a frame is too long or is none */
  *read(chunk: Uint8Array): Generator<{ readonly head: Buffer; readonly body: Buffer }, void> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    const { head, most } = this.#framing
    while (this.#rest.length >= head) {
      const length = this.#framing.length(this.#rest.subarray(0, head))
      if (!(length >= 0 && length <= most)) throw new AdapterError('protocol', 'A frame is too long')
      if (this.#rest.length < head + length) return
      yield { head: this.#rest.subarray(0, head), body: this.#rest.subarray(head, head + length) }
      this.#rest = this.#rest.subarray(head + length)
    }
  }
}
