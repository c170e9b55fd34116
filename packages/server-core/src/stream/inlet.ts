import type { Clock } from '@parley/net'
import type { Element } from '@parley/xml'
import { type Awaitable, isPromise } from '../awaitable.ts'
import type { Wire } from './wire.ts'

/** Elements that may wait while the connection is paused; a chunk that was read already can hold no more. */
const WAITING = 4096

/**
 * Feeds a stream one element after another: the next one waits until the one before is decided (RFC 6120 §10.1), and
 * reading pauses meanwhile. A peer that sends faster than its rate is slowed down in the same way, never dropped.
 */
export class Inlet {
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #rate: number
  readonly #receive: (element: Element) => Awaitable<void>
  readonly #on: { overflow(): void; crashed(error: unknown): void }
  #waiting: Element[] = []
  #last: (() => void) | undefined
  /** What must be over before the next element is fed. */
  #waits = 0
  #shut = false
  #tokens: number
  #refilled: number

  constructor(
    wire: Wire,
    clock: Clock,
    rate: number,
    receive: (element: Element) => Awaitable<void>,
    on: { overflow(): void; crashed(error: unknown): void },
  ) {
    this.#wire = wire
    this.#clock = clock
    this.#rate = rate
    this.#receive = receive
    this.#on = on
    this.#tokens = rate * BURST_SECONDS
    this.#refilled = clock.monotonic()
  }

  take(element: Element): void {
    if (this.#shut) return
    if (this.#waits > 0) {
      if (this.#waiting.push(element) > WAITING) this.#on.overflow()
      return
    }
    this.#feed(element)
  }

  /** Holds everything back until `task` is done. */
  during(task: Promise<unknown>): void {
    this.#wait(task)
  }

  /** Runs `task` when all that was taken has been fed; nothing comes behind it. */
  last(task: () => void): void {
    if (this.#waits > 0) this.#last = task
    else task()
  }

  /** Takes nothing more; what waited is dropped. */
  shut(): void {
    this.#shut = true
    this.#waiting = []
    this.#last = undefined
  }

  open(): void {
    this.#shut = false
  }

  #feed(element: Element): void {
    try {
      const done = this.#receive(element)
      const pause = this.#pace()
      if (isPromise(done)) this.#wait(pause ? done.then(() => pause) : done)
      else if (pause) this.#wait(pause)
    } catch (error) {
      this.#on.crashed(error)
    }
  }

  #wait(task: Promise<unknown>): void {
    this.#waits++
    this.#wire.pause()
    task.then(
      () => this.#goOn(),
      (error: unknown) => {
        this.#waits--
        this.#on.crashed(error)
      },
    )
  }

  #goOn(): void {
    if (--this.#waits > 0) return
    while (this.#waits === 0) {
      const element = this.#waiting.shift()
      if (!element || this.#shut) break
      this.#feed(element)
    }
    if (this.#waits > 0) return
    this.#wire.resume()
    this.#last?.()
  }

  /** Token bucket: `rate` elements a second with a burst of some seconds; 0 is no limit. */
  #pace(): Promise<void> | undefined {
    if (this.#rate === 0 || --this.#tokens >= 0) return
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#rate * BURST_SECONDS, this.#tokens + ((now - this.#refilled) * this.#rate) / 1000)
    this.#refilled = now
    if (this.#tokens >= 0) return
    const pause = (-this.#tokens * 1000) / this.#rate
    return new Promise<void>(resolve => this.#clock.after(pause, resolve))
  }
}

const BURST_SECONDS = 5
