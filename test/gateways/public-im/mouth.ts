import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'

/**
 * How a server of the tests speaks: `plain` writes each frame as it is; `bytes` one byte at a time; `glued` many frames at
 * once, late, and cut somewhere in the middle of one.
 */
export type Manner = 'plain' | 'bytes' | 'glued'

/** What a server said, when the client had said so many bytes. */
export interface Frame {
  readonly turn: number
  readonly bytes: Buffer
}

export class Mouth {
  readonly #socket: Socket
  readonly #manner: Manner
  /** All that was said, frame by frame. */
  readonly said: Frame[] = []
  /** Bytes that the client has said. */
  #heard = 0
  #waiting: Buffer[] = []
  #busy = false

  constructor(socket: Socket, manner: Manner) {
    this.#socket = socket
    this.#manner = manner
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.length
    })
  }

  say(bytes: Uint8Array): void {
    this.said.push({ turn: this.#heard, bytes: Buffer.from(bytes) })
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
