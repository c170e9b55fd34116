import { type Ack, AdapterError, type Outgoing } from '@parley/adapter'
import type { GatewayStore } from '@parley/store'
import type { Clock } from '@xmpp/server-core'
import type { AccountKey, Sending } from '../engine.ts'
import { deferred } from './deferred.ts'
import { Pace } from './pace.ts'
import { isAdapterError } from './run/errors.ts'

/** Messages that go at once after a pause. */
const BURST = 5
/** Before one that failed for a moment is tried again, where the network does not say (ms). */
const AGAIN = 5000

export interface OutboxParts {
  readonly key: AccountKey
  readonly store: GatewayStore
  readonly clock: Clock
  /** How long a message may wait (ms). */
  readonly patience: number
  /** Messages a second that the network takes. */
  readonly rate: number
  /** Messages that may wait. */
  readonly most: number
  call(message: Outgoing): Promise<Ack>
  /** Of messages that nobody waits for any more: they were queued before a restart. */
  sent(message: Outgoing, ack: Ack): Promise<void>
  failed(message: Outgoing, error: AdapterError): void
  /** Something with the store went wrong that nobody else hears of. */
  trouble(error: unknown): void
}

interface Letter {
  readonly message: Outgoing
  readonly expires: number
  readonly sending: Sending | undefined
  resolve(ack: Ack): void
  reject(error: unknown): void
}

interface Lane {
  readonly letters: Letter[]
  isBusy: boolean
}

/** What an account has to send: each message is a row of the store until the network has taken it or its time is over. */
export class Outbox {
  readonly #parts: OutboxParts
  readonly #lanes = new Map<string, Lane>()
  readonly #letters = new Map<string, Letter>()
  readonly #pace: Pace
  /** Rows are written one after another: their order is that of the messages. */
  #written: Promise<unknown> | undefined
  #writing = 0
  #isOpen = false
  #expiring: (() => void) | undefined
  #stopPausing = () => {}
  #isPausing = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#pace = new Pace(parts.clock, parts.rate, BURST)
  }

  get size(): number {
    return this.#letters.size + this.#writing
  }

  /** Reads what was queued before. */
  load(): Promise<void> {
    this.#written ??= this.#read()
    return this.#written.then(() => undefined)
  }

  send(message: Outgoing): Sending {
    const known = this.#letters.get(message.key)?.sending
    if (known) return known
    const { promise: done, resolve, reject } = deferred<Ack>()
    const kept = this.#write(message, done, resolve, reject)
    done.catch(() => {})
    kept.catch(reject)
    return { kept, done }
  }

  /** The network can be reached. */
  open(): void {
    this.#isOpen = true
    this.#goAll()
  }

  close(): void {
    this.#isOpen = false
  }

  /** Forgets what is in memory: rows stay. */
  stop(): void {
    this.close()
    this.#expiring?.()
    this.#stopPausing()
    const error = new AdapterError('transient', 'The server is going down')
    for (const letter of this.#letters.values()) letter.reject(error)
    this.#letters.clear()
    this.#lanes.clear()
  }

  /** Gives up all that waits. */
  async refuse(error: AdapterError): Promise<void> {
    for (const letter of [...this.#letters.values()]) await this.#fail(letter, error)
  }

  async #read(): Promise<void> {
    const { store, key } = this.#parts
    for (const { expires, message } of await store.queued(key)) {
      const letter = { message: JSON.parse(message) as Outgoing, expires }
      const orphan: Letter = { ...letter, sending: undefined, resolve: () => {}, reject: () => {} }
      this.#add(orphan)
    }
    this.#expire()
  }

  async #write(
    message: Outgoing,
    done: Promise<Ack>,
    resolve: (ack: Ack) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    const { store, key, clock, patience, most } = this.#parts
    if (this.size >= most) throw new AdapterError('limited', 'Too many messages wait for the network')
    const expires = clock.now() + patience
    this.#writing++
    const row = { key: message.key, expires, message: JSON.stringify(message) }
    const before = this.#written ?? this.load()
    const written = before.catch(() => {}).then(() => store.queue(key, row))
    this.#written = written
    try {
      if (!(await written)) throw new AdapterError('denied', 'That message is on its way already')
    } finally {
      this.#writing--
    }
    this.#add({ message, expires, sending: { kept: written.then(() => undefined), done }, resolve, reject })
    this.#expire()
  }

  #add(letter: Letter): void {
    const name = laneOf(letter.message)
    const lane = this.#lanes.get(name) ?? { letters: [], isBusy: false }
    this.#lanes.set(name, lane)
    lane.letters.push(letter)
    this.#letters.set(letter.message.key, letter)
    this.#go(lane)
  }

  #goAll(): void {
    for (const lane of this.#lanes.values()) this.#go(lane)
  }

  #go(lane: Lane): void {
    const [letter] = lane.letters
    if (!letter || lane.isBusy || !this.#isOpen || this.#isPausing) return
    const wait = this.#pace.take()
    if (wait > 0) {
      this.#pause(wait)
      return
    }
    lane.isBusy = true
    this.#parts.call(letter.message).then(
      ack => this.#taken(lane, letter, ack),
      error => this.#refused(lane, letter, error),
    )
  }

  #pause(ms: number): void {
    this.#isPausing = true
    this.#stopPausing = this.#parts.clock.after(ms, () => {
      this.#isPausing = false
      this.#goAll()
    })
  }

  async #taken(lane: Lane, letter: Letter, ack: Ack): Promise<void> {
    try {
      // The pair of ids is known before anything that refers to it is heard.
      if (!letter.sending) await this.#parts.sent(letter.message, ack)
    } catch (error) {
      this.#parts.trouble(error)
    }
    letter.resolve(ack)
    void this.#remove(letter)
    lane.isBusy = false
    this.#go(lane)
  }

  #refused(lane: Lane, letter: Letter, error: unknown): void {
    lane.isBusy = false
    if (!this.#letters.has(letter.message.key)) {
      this.#go(lane)
      return
    }
    const reason = isAdapterError(error) ? error : new AdapterError('protocol', 'The gateway has a fault')
    const isLater = reason.failure === 'transient' || reason.failure === 'limited'
    if (!isLater || letter.expires <= this.#parts.clock.now()) {
      void this.#fail(letter, isLater ? tooLate() : reason)
      this.#go(lane)
    } else if (this.#isOpen && !this.#isPausing) this.#pause(reason.retryAfter ?? AGAIN)
  }

  async #fail(letter: Letter, error: AdapterError): Promise<void> {
    if (letter.sending) letter.reject(error)
    else this.#parts.failed(letter.message, error)
    await this.#remove(letter)
  }

  async #remove(letter: Letter): Promise<void> {
    const { key } = letter.message
    this.#letters.delete(key)
    const name = laneOf(letter.message)
    const letters = this.#lanes.get(name)?.letters
    const at = letters?.indexOf(letter) ?? -1
    if (at >= 0) letters?.splice(at, 1)
    if (letters?.length === 0) this.#lanes.delete(name)
    try {
      await this.#parts.store.unqueue(this.#parts.key, key)
    } catch (error) {
      // It will be sent again after a restart, if its time is not over.
      this.#parts.trouble(error)
    }
  }

  /** Gives up what has waited too long, and looks again when the next one has: they expire in the order in which they came. */
  #expire(): void {
    if (this.#expiring) return
    const { clock } = this.#parts
    for (const letter of [...this.#letters.values()]) {
      const wait = letter.expires - clock.now()
      if (wait > 0) {
        this.#expiring = clock.after(wait, () => {
          this.#expiring = undefined
          this.#expire()
        })
        return
      }
      const lane = this.#lanes.get(laneOf(letter.message))
      const isUnderWay = lane?.isBusy === true && lane.letters[0] === letter
      if (!isUnderWay) void this.#fail(letter, tooLate())
    }
  }
}

function tooLate(): AdapterError {
  return new AdapterError('transient', 'The network could not be reached in time')
}

function laneOf({ user = '', to }: Outgoing): string {
  return `${user}\n${to.peer}`
}
