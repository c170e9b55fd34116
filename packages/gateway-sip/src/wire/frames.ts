import { AdapterError } from '@parley/adapter'
import { bodyLength, type Message, MOST_BODY, MOST_HEAD, parseHead } from './message.ts'

/**
 * Cuts what a connection brings into messages: by Content-Length, without which nobody knows where the next one begins
 * (RFC 3261 §18.3). Empty lines between messages are a peer's sign of life (RFC 5626 §3.5.1) and are counted.
 */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0)
  #head: ReturnType<typeof parseHead> | undefined
  #length = 0

  #skipEmptyLines(): boolean {
    let at = 0
    while (this.#rest[at] === 0x0d && this.#rest[at + 1] === 0x0a) at += 2
    if (at > 0) this.#rest = this.#rest.subarray(at)
    return at >= 4
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end === -1 ? this.#rest.length > MOST_HEAD : end > MOST_HEAD)
      throw new AdapterError('protocol', 'The head of a SIP message is too long')
    if (end === -1) return false
    this.#head = parseHead(this.#rest.subarray(0, end))
    const length = bodyLength(this.#head.headers)
    if (length === undefined || length > MOST_BODY || this.#head.headers.count('content-length') > 1)
      throw new AdapterError('protocol', 'A SIP message does not say how long it is, or is too long')
    this.#length = length
    this.#rest = this.#rest.subarray(end + 4)
    return true
  }

  /** Yields `ping` for CRLF CRLF. @throws AdapterError where nobody can tell where the next message begins */
  *read(chunk: Uint8Array): Generator<Message | 'ping', void> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    for (;;) {
      if (!this.#head) {
        const ping = this.#skipEmptyLines()
        if (ping) yield 'ping'
        if (!this.#readHead()) return
      }
      if (this.#rest.length < this.#length) return
      const body = Buffer.from(this.#rest.subarray(0, this.#length))
      const message = { ...this.#head!, body }
      this.#rest = this.#rest.subarray(this.#length)
      this.#head = undefined
      yield message
    }
  }
}
