import type { AdapterClock, Connection } from '@parley/adapter'
import { Intake, type Piece } from './intake.ts'

/** Who a mail is for, once it has been found. */
export interface Envelope<R> {
  /** Empty: a report, which is never answered (RFC 5321 § 6.1). */
  readonly from: string
  readonly recipients: readonly R[]
}

export interface ReceiverOptions<R> {
  readonly clock: AdapterClock
  readonly name: string
  readonly maxBytes: number
  /** Who an address stands for; undefined: nobody. */
  recipient(address: string): Promise<R | undefined>
  /** Takes a mail; false: it cannot be read, or is not wanted. */
  mail(envelope: Envelope<R>, bytes: Uint8Array): Promise<boolean>
}

const IDLE = 120_000
const RECIPIENTS = 50
const MISTAKES = 20
const MAILS = 1000

/** One connection of a mail server that hands over mail: SMTP (RFC 5321) or LMTP (RFC 2033), no more than is needed. */
export class Receiver<R> {
  readonly #connection: Connection
  readonly #options: ReceiverOptions<R>
  readonly #intake: Intake
  readonly #closed: () => void
  #stopIdle: () => void = () => {}
  #busy = false
  /** The other side has said everything. */
  #isAll = false
  #over = false
  #greeted: 'EHLO' | 'LHLO' | undefined
  #from: string | undefined
  #recipients: R[] = []
  #mistakes = 0
  #mails = 0

  constructor(connection: Connection, options: ReceiverOptions<R>, closed: () => void) {
    this.#connection = connection
    this.#options = options
    this.#closed = closed
    this.#intake = new Intake(options.maxBytes)
    const { stream } = connection
    stream.on('data', (chunk: Uint8Array) => {
      this.#intake.add(chunk)
      stream.pause()
      void this.#work()
    })
    stream.on('end', () => {
      this.#isAll = true
      if (!this.#busy) this.end('421 4.4.2 Nothing more is said')
    })
    stream.on('error', () => this.end())
    stream.on('close', () => this.end())
    this.#rest()
    this.#say(`220 ${options.name} ready`)
  }

  end(farewell?: string): void {
    if (this.#over) return
    if (farewell !== undefined) this.#say(farewell)
    this.#over = true
    this.#stopIdle()
    if (farewell === undefined) this.#connection.destroy()
    else this.#connection.stream.end(() => this.#connection.destroy())
    this.#closed()
  }

  /** One piece after another; nothing more is read meanwhile. */
  async #work(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      for (let piece = this.#intake.next(); piece && !this.#over; piece = this.#intake.next()) await this.#take(piece)
    } catch {
      this.end('451 4.3.0 Something went wrong here')
    } finally {
      this.#busy = false
    }
    if (this.#over) return
    if (this.#isAll) {
      this.end('421 4.4.2 Nothing more is said')
      return
    }
    this.#rest()
    this.#connection.stream.resume()
  }

  #rest(): void {
    this.#stopIdle()
    this.#stopIdle = this.#options.clock.after(IDLE, () => this.end('421 4.4.2 Nothing was said for too long'))
  }

  async #take(piece: Piece): Promise<void> {
    switch (piece.type) {
      case 'command':
        await this.#command(piece.line)
        break
      case 'data':
        await this.#mail(piece.mail)
        break
      case 'too-much':
        this.#answerData('552 5.3.4 The mail is too long')
        break
      case 'broken':
        this.end('550 5.6.11 Lines end with CRLF, and are shorter')
    }
  }

  async #command(line: string): Promise<void> {
    const [verb = ''] = line.split(' ', 1)
    switch (verb.toUpperCase()) {
      case 'HELO':
      case 'EHLO':
      case 'LHLO':
        this.#hello(verb.toUpperCase())
        break
      case 'MAIL':
        this.#mailFrom(line)
        break
      case 'RCPT':
        await this.#recipient(line)
        break
      case 'DATA':
        this.#data()
        break
      case 'RSET':
        this.#forget()
        this.#say('250 2.0.0 OK')
        break
      case 'NOOP':
        this.#say('250 2.0.0 OK')
        break
      case 'QUIT':
        this.end('221 2.0.0 Farewell')
        break
      default:
        this.#mistake('502 5.5.1 There is no such command here')
    }
  }

  #hello(verb: string): void {
    this.#forget()
    this.#greeted = verb === 'LHLO' ? 'LHLO' : 'EHLO'
    const { name, maxBytes } = this.#options
    if (verb === 'HELO') this.#say(`250 ${name}`)
    else this.#say(`250-${name}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE ${maxBytes}`)
  }

  #mailFrom(line: string): void {
    const match = /^MAIL FROM: ?<([^<>\s]{0,320})>((?: [^\s]+)*)$/i.exec(line)
    if (!this.#greeted) this.#mistake('503 5.5.1 Say EHLO first')
    else if (this.#from !== undefined) this.#mistake('503 5.5.1 There is a sender already')
    else if (!match) this.#mistake('501 5.5.4 That is no sender')
    else if (Number(/ SIZE=(\d{1,12})(?: |$)/i.exec(match[2]!)?.[1] ?? 0) > this.#options.maxBytes)
      this.#say('552 5.3.4 The mail is too long')
    else if (++this.#mails > MAILS) this.end('421 4.7.0 Enough for one connection')
    else {
      this.#from = match[1]!
      this.#say('250 2.1.0 OK')
    }
  }

  async #recipient(line: string): Promise<void> {
    const match = /^RCPT TO: ?<([^<>\s]{1,320})>(?: [^\s]+)*$/i.exec(line)
    if (this.#from === undefined) this.#mistake('503 5.5.1 Name a sender first')
    else if (!match) this.#mistake('501 5.5.4 That is no recipient')
    else if (this.#recipients.length >= RECIPIENTS) this.#say('452 4.5.3 These are enough for one mail')
    else {
      const found = await this.#options.recipient(match[1]!)
      if (found === undefined) this.#mistake('550 5.1.1 There is nobody of that name')
      else {
        this.#recipients.push(found)
        this.#say('250 2.1.5 OK')
      }
    }
  }

  #data(): void {
    if (this.#recipients.length === 0) {
      this.#mistake('503 5.5.1 Name recipients first')
      return
    }
    this.#intake.expectData()
    this.#say('354 Go on, and end with a dot')
  }

  async #mail(bytes: Buffer): Promise<void> {
    const taken = await this.#options.mail({ from: this.#from!, recipients: this.#recipients }, bytes)
    this.#answerData(taken ? '250 2.6.0 OK' : '554 5.6.0 The mail is not wanted')
  }

  /** With LMTP there is an answer for each recipient (RFC 2033 § 4.2). */
  #answerData(answer: string): void {
    const answers = this.#greeted === 'LHLO' ? this.#recipients.length : 1
    for (let each = 0; each < answers; each++) this.#say(answer)
    this.#forget()
  }

  #forget(): void {
    this.#from = undefined
    this.#recipients = []
  }

  #mistake(answer: string): void {
    if (++this.#mistakes > MISTAKES) this.end('421 4.7.0 Too many mistakes')
    else this.#say(answer)
  }

  #say(line: string): void {
    if (!this.#over) this.#connection.stream.write(`${line}\r\n`)
  }
}
