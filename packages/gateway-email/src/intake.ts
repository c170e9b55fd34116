const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
/** Bytes of a command; of a line of a mail there are 1,000 (RFC 5321 § 4.5.3.1), and senders that do not count. */
const COMMAND = 2048
const LINE = 16_384

export type Piece =
  | { readonly type: 'command'; readonly line: string }
  | { readonly type: 'data'; readonly mail: Buffer }
  /** A mail was too long. */
  | { readonly type: 'too-much' }
  /** A line is too long, or ends otherwise: servers disagree about what comes then, so that it could hide a mail in another. */
  | { readonly type: 'broken' }

/** Cuts what a mail server says into commands and mails. Lines end with CRLF and with nothing else. */
export class Intake {
  readonly #most: number
  #rest: Buffer = Buffer.alloc(0)
  #data: Buffer[] | undefined
  #size = 0
  #tooMuch = false

  /** @param most bytes of a mail */
  constructor(most: number) {
    this.#most = most
  }

  /** What follows is a mail. */
  expectData(): void {
    this.#data = []
    this.#size = 0
    this.#tooMuch = false
  }

  add(chunk: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
  }

  /** The next piece; undefined: more has to come. */
  next(): Piece | undefined {
    for (;;) {
      const end = this.#rest.indexOf(LF)
      if (end === -1) return this.#rest.length > (this.#data ? LINE : COMMAND) ? { type: 'broken' } : undefined
      const line = this.#rest.subarray(0, end + 1)
      this.#rest = this.#rest.subarray(end + 1)
      const clean = end > 0 && line.indexOf(CR) === end - 1
      if (!clean || line.length > (this.#data ? LINE : COMMAND)) return { type: 'broken' }
      if (!this.#data) return { type: 'command', line: line.toString('utf8', 0, end - 1) }
      if (line.length === 3 && line[0] === DOT) return this.#end()
      this.#keep(line[0] === DOT ? line.subarray(1) : line)
    }
  }

  #keep(line: Buffer): void {
    this.#size += line.length
    if (this.#size > this.#most) this.#tooMuch = true
    if (this.#tooMuch) this.#data = []
    else this.#data!.push(line)
  }

  #end(): Piece {
    const mail = Buffer.concat(this.#data!)
    this.#data = undefined
    return this.#tooMuch ? { type: 'too-much' } : { type: 'data', mail }
  }
}
