import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Clock, Logger } from '@xmpp/server-core'

/** Files that the server needs for itself: database, Redis, command line, certificates. */
const OWN = 200
/** What each HTTP listener may have of the rest. */
const WEB_SHARE = 16
/** That there is no room is said once in such a time (ms). */
const SILENCE = 60_000

/**
 * How many connections the process may have. Where the system's limit of open files were the end, the server could not
 * reach its own database any more; so before that room is made, or nobody is let in.
 */
export class Room {
  /** Connections of clients and components, and of each HTTP listener. */
  readonly most: number
  readonly web: number
  readonly #clock: Clock
  readonly #log: Logger
  #open = 0
  #said = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, log: Logger, files = openFiles()) {
    this.#clock = clock
    this.#log = log
    const own = Math.min(OWN, files / 4)
    this.web = Math.floor(files / WEB_SHARE)
    this.most = Math.floor(files - own - 2 * this.web)
  }

  /** Counts a connection until it is closed; one for which there is no room, and for which none is made, is closed at once. */
  admits(socket: Socket, makeRoom: () => boolean): boolean {
    if (this.#open >= this.most) {
      this.#tell()
      if (!makeRoom()) {
        socket.destroy()
        return false
      }
    }
    this.#open++
    socket.once('close', () => this.#open--)
    return true
  }

  #tell(): void {
    const now = this.#clock.monotonic()
    if (now - this.#said < SILENCE) return
    this.#said = now
    const advice = 'raise the limit of open files (LimitNOFILE, ulimit -n)'
    this.#log.warn('no room for more connections: some are turned away', { open: this.#open, advice })
  }
}

/** The limit of open files, as it stands for this process; where the system does not tell, what most systems have. */
function openFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft ?? 1024)
  } catch {
    return 1024
  }
}
