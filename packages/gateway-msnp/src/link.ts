import { type AdapterClock, AdapterError, Answers, type Connection, pump } from '@parley/adapter'
import { type Command, CommandReader, encode } from './codec.ts'
import { failureOf } from './failures.ts'

type Word = string | number

export interface LinkEars {
  /** What answers no question. */
  heard(command: Command): void
  ended(error: Error): void
}

/** A connection with a server of Messenger, where questions have numbers. */
export class Link {
  readonly #connection: Connection
  readonly #answers: Answers<Command>
  /** Names that answer the question of a number. */
  readonly #asked = new Map<string, readonly string[]>()
  #last = 0
  #over = false

  constructor(connection: Connection, clock: AdapterClock, ears: LinkEars) {
    this.#connection = connection
    this.#answers = new Answers(clock)
    const reader = new CommandReader()
    const take = (chunk: Uint8Array) => {
      for (const command of reader.read(chunk)) if (!this.#over && !this.#answered(command)) ears.heard(command)
    }
    pump(connection, take, error => {
      const first = !this.#over
      this.#end(error)
      if (first) ears.ended(error)
    })
  }

  /** @throws AdapterError what the server answers with a number, or nothing in time */
  ask(name: string, args: readonly Word[], options: AskOptions = {}): Promise<Command> {
    const { payload, also = [], ms } = options
    const number = String(++this.#last)
    let bytes: Buffer
    try {
      bytes = encode(name, [number, ...args], payload)
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.#over) return Promise.reject(new AdapterError('transient', 'Messenger is not connected'))
    this.#asked.set(number, [name, ...also])
    const answer = this.#answers.wait(number, ms)
    this.#connection.stream.write(bytes)
    return answer.finally(() => this.#asked.delete(number))
  }

  /** Says what has no number and no answer, or whose answer does not matter. */
  tell(name: string, args: readonly Word[] = [], payload?: string): void {
    if (!this.#over) this.#connection.stream.write(encode(name, args, payload))
  }

  /** A number for something that is told. */
  number(): number {
    return ++this.#last
  }

  /** Nothing is heard any more; what is open has failed. */
  close(error: Error): void {
    if (this.#over) return
    this.#end(error)
    this.#connection.stream.end()
    this.#connection.destroy()
  }

  #answered(command: Command): boolean {
    const number = command.args[0] ?? ''
    const names = this.#asked.get(number)
    if (!names) return false
    if (/^\d/.test(command.name)) return this.#answers.refuse(number, new Refused(command.name))
    return names.includes(command.name) && this.#answers.give(number, command)
  }

  #end(error: Error): void {
    this.#over = true
    this.#answers.end(error)
  }
}

interface AskOptions {
  readonly payload?: string
  /** Other commands that answer it. */
  readonly also?: readonly string[]
  readonly ms?: number
}

/** An error by its number. */
export class Refused extends AdapterError {
  readonly code: string

  constructor(code: string) {
    const { failure, message, retryAfter } = failureOf(code)
    super(failure, message, retryAfter)
    this.code = code
  }
}
