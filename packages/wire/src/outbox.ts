import type { Socket } from 'node:net'
import { flushAfterTurn, flushGathered, type Pending } from './turn.ts'

/** Whoever has written within so long (ms) is about to write again. */
const BUSY = 1

/** What is written to a socket: joined for each turn of the event loop, or for longer. */
export class Outbox implements Pending {
  #socket: Socket
  #gathers = false
  #flushedAt = Number.NEGATIVE_INFINITY
  #text = ''
  #callbacks: (() => void)[] = []

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Bytes that the network has not taken; what waits for the end of this turn counts by characters. */
  get size(): number {
    return this.#text.length + this.#socket.writableLength
  }

  write(text: string): void {
    if (this.#text === '') flushAfterTurn(this)
    this.#text += text
  }

  /** As {@link write}; what comes in quick succession, in several turns, is joined as well. */
  gather(text: string): void {
    this.#gathers = true
    if (this.#text === '') this.#schedule()
    this.#text += text
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    const callbacks = this.#callbacks
    this.#text = ''
    if (this.#gathers) this.#flushedAt = performance.now()
    if (callbacks.length === 0) {
      this.#socket.write(text, 'utf8')
      return
    }
    this.#callbacks = []
    this.#socket.write(text, 'utf8', error => {
      if (!error) for (const done of callbacks) done()
    })
  }

  /** Calls back when the network has taken all that was written so far; never where it does not. */
  flushed(done: () => void): void {
    if (this.#text !== '') this.#callbacks.push(done)
    else if (this.#socket.writableLength === 0) done()
    else this.#socket.write('', error => error ?? done())
  }

  /** Forgets what has not left; from now on it goes to `socket`. */
  moveTo(socket: Socket): void {
    this.clear()
    this.#socket = socket
  }

  clear(): void {
    this.#text = ''
    this.#callbacks = []
  }

  #schedule(): void {
    if (performance.now() - this.#flushedAt < BUSY) flushGathered(this)
    else flushAfterTurn(this)
  }
}
