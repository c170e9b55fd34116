import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'

/**
 * How a server of the tests speaks: `plain` writes each frame as it is; `bytes` one byte at a time; `glued` many frames at
 * once, late, and cut somewhere in the middle of one.
 */
export type Manner = 'plain' | 'bytes' | 'glued'

export class Mouth {
  readonly #socket: Socket
  readonly #manner: Manner
  /** All that was said, frame by frame: a list for each time that the client had said something. */
  readonly said: Buffer[][] = [[]]
  #waiting: Buffer[] = []
  #busy = false

  constructor(socket: Socket, manner: Manner) {
    this.#socket = socket
    this.#manner = manner
    socket.setNoDelay(true)
    socket.on('data', () => this.said.push([]))
  }

  say(bytes: Uint8Array): void {
    this.said.at(-1)?.push(Buffer.from(bytes))
    if (this.#manner === 'plain') this.#write(bytes)
    else {
      this.#waiting.push(Buffer.from(bytes))
      if (!this.#busy) this.#speak().catch(() => undefined)
    }
  }

  /** The connection breaks. */
  cut(): void {
    this.#socket.destroy()
  }

  /** Closes when all is said. */
  close(): void {
    if (this.#busy)
      setImmediate().then(
        () => this.close(),
        () => undefined,
      )
    else this.#socket.end()
  }

  async #speak(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      // What is said meanwhile is glued to it.
      await setImmediate()
      const bytes = Buffer.concat(this.#waiting.splice(0))
      const step = this.#manner === 'bytes' ? 1 : Math.ceil(bytes.length / 3) + 1
      for (let at = 0; at < bytes.length; at += step) {
        this.#write(bytes.subarray(at, at + step))
        await setImmediate()
      }
    }
    this.#busy = false
  }

  #write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }
}
