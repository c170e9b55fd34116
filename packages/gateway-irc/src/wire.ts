import { type AdapterClock, AdapterError, type Connection, LineReader } from '@parley/adapter'
import { decode, formatLine, LINE_BYTES, type Line, parseLine } from './message.ts'
import { Pace } from './pace.ts'

interface Waiting {
  take(line: Line): boolean
  fail(error: Error): void
}

/** Questions that wait for an answer. */
const WAITING = 1500

export interface WireOptions {
  readonly clock: AdapterClock
  readonly burst: number
  readonly interval: number
  /** Each line, before whoever has asked gets it. */
  first(line: Line): void
  /** Each line, and whether it was the answer to a question. */
  line(line: Line, taken: boolean): void
  ended(error: AdapterError): void
}

/** A connection to a server: lines come and go, and whoever has asked gets the answer. */
export class Wire {
  readonly #connection: Connection
  readonly #options: WireOptions
  readonly #waiting = new Set<Waiting>()
  readonly pace: Pace
  #over: AdapterError | undefined

  constructor(connection: Connection, options: WireOptions) {
    this.#connection = connection
    this.#options = options
    this.pace = new Pace(options.clock, options.burst, options.interval, line => this.#write(line))
    const reader = new LineReader(LINE_BYTES)
    connection.stream.on('data', (chunk: Uint8Array) => {
      try {
        for (const bytes of reader.read(chunk)) this.#read(decode(bytes))
      } catch (error) {
        this.end(error instanceof AdapterError ? error : new AdapterError('protocol', 'The network speaks no IRC'))
      }
    })
    connection.stream.on('error', () => this.end(new AdapterError('transient', 'The connection has broken')))
    connection.stream.on('close', () =>
      this.end(new AdapterError('transient', 'The network has closed the connection')),
    )
  }

  /** Goes as soon as the network allows. @throws AdapterError */
  send(
    command: string,
    params: readonly string[],
    tags: Readonly<Record<string, string>> = {},
    written?: () => void,
  ): void {
    if (this.#over) throw this.#over
    this.pace.push(formatLine(command, params, tags), written)
  }

  /** Goes at once: the greeting, answers to pings, and the farewell. */
  urgent(command: string, params: readonly string[]): void {
    if (!this.#over) this.#write(formatLine(command, params))
  }

  /**
   * What `read` makes of the first line that it does not give undefined for; what it throws is thrown. A line answers one question
   * only: that which was asked first. @param what it is that does not come, for the user
   */
  wait<T>(ms: number, what: string, read: (line: Line) => T | undefined): Promise<T> {
    if (this.#over) return Promise.reject(this.#over)
    if (this.#waiting.size >= WAITING) return Promise.reject(new AdapterError('limited', 'Too much is being asked', ms))
    return new Promise((resolve, reject) => {
      const done = () => {
        cancel()
        this.#waiting.delete(waiting)
      }
      const waiting: Waiting = {
        take: line => {
          let found: T | undefined
          try {
            found = read(line)
          } catch (error) {
            waiting.fail(error as Error)
            return true
          }
          if (found === undefined) return false
          done()
          resolve(found)
          return true
        },
        fail: error => {
          done()
          reject(error)
        },
      }
      const cancel = this.#options.clock.after(ms, () => waiting.fail(new AdapterError('transient', what)))
      this.#waiting.add(waiting)
    })
  }

  end(error: AdapterError): void {
    if (this.#over) return
    this.#over = error
    this.pace.stop()
    this.#connection.destroy()
    for (const waiting of [...this.#waiting]) waiting.fail(error)
    this.#options.ended(error)
  }

  #read(text: string): void {
    if (this.#over) return
    const line = parseLine(text)
    if (!line) {
      if (text.trim() !== '') this.end(new AdapterError('protocol', 'The network speaks no IRC'))
      return
    }
    if (line.command === 'PING') {
      this.urgent('PONG', line.params.slice(-1))
      return
    }
    this.#options.first(line)
    let taken = false
    for (const waiting of this.#waiting) {
      taken = waiting.take(line)
      if (taken) break
    }
    this.#options.line(line, taken)
  }

  #write(line: string): void {
    this.#connection.stream.write(`${line}\r\n`)
  }
}
