import type { AdapterClock } from '@parley/adapter'
import { Reader } from './bytes.ts'

interface RateClass {
  window: number
  clear: number
  alert: number
  most: number
  level: number
  /** When something of it was last sent (ms). */
  last: number
  limited: boolean
  readonly waiting: (() => void)[]
  timer: (() => void) | undefined
}

const WAITING = 500

/**
 * How fast the server lets us speak ("Rate limits" of the OSCAR documents): each class has a level, the running mean of the time
 * between words. What would bring it below the alert level waits.
 */
export class Rates {
  readonly #clock: AdapterClock
  readonly #classes = new Map<number, RateClass>()
  readonly #members = new Map<number, number>()

  constructor(clock: AdapterClock) {
    this.#clock = clock
  }

  /** SNAC(01,07); gives the classes. @throws AdapterError where it is none */
  read(data: Buffer): number[] {
    const reader = new Reader(data)
    const count = reader.word()
    const ids: number[] = []
    for (let n = 0; n < count; n++) ids.push(this.#readClass(reader, reader.word()))
    while (reader.left >= 4) {
      const [id, pairs] = [reader.word(), reader.word()]
      for (let n = 0; n < pairs; n++) this.#members.set(reader.long(), id)
    }
    return ids
  }

  /** SNAC(01,0A): something has changed, or we were too fast. */
  changed(data: Buffer): void {
    const reader = new Reader(data)
    const code = reader.word()
    const id = reader.word()
    this.#readClass(reader, id)
    const rate = this.#classes.get(id)
    if (rate) rate.limited = code === 3
  }

  /** Sends in turn, now or when it may be. False: too much waits. */
  send(family: number, subtype: number, write: () => void): boolean {
    const rate = this.#classes.get(this.#members.get(family * 0x10000 + subtype) ?? -1)
    if (!rate) {
      write()
      return true
    }
    if (rate.waiting.length >= WAITING) return false
    rate.waiting.push(write)
    if (!rate.timer) this.#flow(rate)
    return true
  }

  stop(): void {
    for (const rate of this.#classes.values()) {
      rate.timer?.()
      rate.timer = undefined
      rate.waiting.length = 0
    }
    this.#classes.clear()
  }

  #flow(rate: RateClass): void {
    rate.timer = undefined
    while (rate.waiting.length > 0) {
      const now = this.#clock.now()
      const wait = this.#wait(rate, now)
      if (wait > 0) {
        rate.timer = this.#clock.after(wait, () => this.#flow(rate))
        return
      }
      rate.level = this.#next(rate, now)
      rate.last = now
      rate.limited = false
      rate.waiting.shift()?.()
    }
  }

  #next({ level, window, most, last }: RateClass, now: number): number {
    return Math.min(most, ((window - 1) / window) * level + (now - last) / window)
  }

  /** How long until the level would stay above what is needed: a little above, for clocks differ. */
  #wait(rate: RateClass, now: number): number {
    const { window, alert, clear, level, last, limited, most } = rate
    const wanted = Math.min(most, (limited ? clear : alert) + 50)
    return Math.ceil(window * wanted - (window - 1) * level - (now - last))
  }

  #readClass(reader: Reader, id: number): number {
    const [window, clear, alert] = [reader.long(), reader.long(), reader.long()]
    reader.take(8)
    const [level, most] = [reader.long(), reader.long()]
    // Time and state are not there in old versions; the next class begins with its small number.
    if (reader.left >= 5) reader.take(5)
    const known = this.#classes.get(id)
    const limits = { window: Math.max(1, window), clear, alert, most, level, last: this.#clock.now() }
    if (known) Object.assign(known, limits)
    else if (this.#classes.size < 64)
      this.#classes.set(id, { ...limits, limited: false, waiting: [], timer: undefined })
    return id
  }
}
