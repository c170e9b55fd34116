import { randomInt } from 'node:crypto'
import { type AdapterClock, AdapterError, Answers, type Connection, pump } from '@parley/adapter'
import { Reader, u32, word } from './bytes.ts'
import { failureOf, refusal, replaced } from './failures.ts'
import { CHANNEL, encodeFlap, encodeSnac, type Flap, FlapReader, parseSnac, type Snac } from './flap.ts'
import { Rates } from './rates.ts'

export interface LinkEars {
  /** The server has greeted. */
  hello(): void
  /** What answers no question. */
  snac(snac: Snac): void
  ended(error: Error): void
}

const ALIVE_EVERY = 60_000

/** A connection with a server of AIM and ICQ: frames in their order, questions with numbers. */
export class Link {
  readonly rates: Rates
  readonly #connection: Connection
  readonly #ears: LinkEars
  readonly #answers: Answers<Snac>
  readonly #asked = new Set<number>()
  readonly #stop: () => void
  #sequence = randomInt(0x8000)
  #number = 0
  #over = false

  constructor(connection: Connection, clock: AdapterClock, ears: LinkEars) {
    this.#connection = connection
    this.#ears = ears
    this.#answers = new Answers(clock)
    this.rates = new Rates(clock)
    this.#stop = clock.every(ALIVE_EVERY, () => this.#write(CHANNEL.alive, Buffer.alloc(0)))
    const reader = new FlapReader()
    const take = (chunk: Uint8Array) => {
      for (const flap of reader.read(chunk)) if (!this.#over) this.#take(flap)
    }
    pump(connection, take, error => this.#fail(error))
  }

  /** Our greeting, and what proves who we are. */
  greet(...tlvs: readonly Buffer[]): void {
    this.#write(CHANNEL.hello, Buffer.concat([u32(1), ...tlvs]))
  }

  /** @returns the number that an error about it has. @throws AdapterError `limited` where too much waits to be sent */
  tell(family: number, subtype: number, ...parts: readonly Buffer[]): number {
    if (this.#over) throw new AdapterError('transient', 'AIM or ICQ is not connected')
    this.#number = (this.#number % 0x7fffffff) + 1
    const id = this.#number
    const snac = encodeSnac(family, subtype, id, Buffer.concat(parts))
    if (!this.rates.send(family, subtype, () => this.#write(CHANNEL.data, snac)))
      throw new AdapterError('limited', 'That is too much at once for AIM or ICQ', 10_000)
    return id
  }

  /** @throws AdapterError where the server answers with an error, or not in time */
  async ask(family: number, subtype: number, ...parts: readonly Buffer[]): Promise<Snac> {
    const id = this.tell(family, subtype, ...parts)
    this.#asked.add(id)
    // What waits for its turn may take a while.
    return await this.#answers.wait(String(id), 60_000).finally(() => this.#asked.delete(id))
  }

  close(error: Error): void {
    if (this.#over) return
    this.#end(error)
    this.#connection.stream.end()
    this.#connection.destroy()
  }

  #take({ channel, body }: Flap): void {
    switch (channel) {
      case CHANNEL.hello:
        this.#ears.hello()
        break
      case CHANNEL.data: {
        const snac = parseSnac(body)
        if (!this.#answered(snac)) this.#ears.snac(snac)
        break
      }
      case CHANNEL.goodbye:
        this.#fail(farewell(body))
    }
  }

  #answered(snac: Snac): boolean {
    if (!this.#asked.has(snac.id) || snac.more) return false
    if (snac.subtype === 1) return this.#answers.refuse(String(snac.id), failureOf(snac.data))
    return this.#answers.give(String(snac.id), snac)
  }

  #write(channel: number, body: Buffer): void {
    if (this.#over) return
    this.#sequence = (this.#sequence + 1) & 0x7fff
    this.#connection.stream.write(encodeFlap(channel, this.#sequence, body))
  }

  #fail(error: Error): void {
    if (this.#over) return
    this.#end(error)
    this.#connection.destroy()
    this.#ears.ended(error)
  }

  #end(error: Error): void {
    this.#over = true
    this.#stop()
    this.rates.stop()
    this.#answers.end(error)
  }
}

/** Why the server says goodbye: 1 in TLV 9 is another login. */
function farewell(body: Buffer): AdapterError {
  const tlvs = new Reader(body).tlvs()
  if (tlvs.has(8)) return refusal(tlvs)
  return word(tlvs, 9) === 1 ? replaced() : new AdapterError('transient', 'AIM or ICQ has closed the connection')
}
