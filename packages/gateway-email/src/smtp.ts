import { type AdapterClock, AdapterError, type Connection, LineReader } from '@parley/adapter'

const REPLY = 60_000
/** After the data: the other side may look for viruses (RFC 5321 § 4.5.3.2.6 has ten minutes). */
const TAKEN = 300_000
const LINES = 100

export interface SmtpOptions {
  readonly clock: AdapterClock
  /** Who this is. */
  readonly name: string
  readonly security: 'starttls' | 'tls' | 'none'
  readonly trustAnything: boolean
  readonly username: string
  readonly password: string
}

interface Reply {
  readonly code: number
  /** Lines without their numbers. */
  readonly lines: readonly string[]
}

/** Speaks to the mail server that takes what goes out (RFC 5321), over a connection that is open. */
export class Smtp {
  readonly #connection: Connection
  readonly #options: SmtpOptions
  readonly #replies: Reply[] = []
  #lines: string[] = []
  #waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined
  #over: AdapterError | undefined

  constructor(connection: Connection, options: SmtpOptions) {
    this.#connection = connection
    this.#options = options
    this.#listen()
  }

  /** @throws AdapterError */
  async greet(): Promise<void> {
    const { security, trustAnything, username, password } = this.#options
    expect(await this.#reply(), 220)
    let features = await this.#hello()
    if (security === 'starttls') {
      if (!features.has('STARTTLS')) throw new AdapterError('denied', 'The mail server does not offer encryption')
      expect(await this.#ask('STARTTLS'), 220)
      // What was said before it must not count as said under it.
      if (this.#replies.length > 0 || this.#lines.length > 0)
        throw new AdapterError('protocol', 'The mail server spoke too soon')
      this.#connection.stream.removeAllListeners('data')
      await this.#connection.startTls(trustAnything ? { trustAnything } : {})
      this.#listen()
      features = await this.#hello()
    }
    if (username === '') return
    if (!features.get('AUTH')?.split(' ').includes('PLAIN'))
      throw new AdapterError('denied', 'The mail server does not take passwords here')
    const answer = await this.#ask(`AUTH PLAIN ${Buffer.from(`\0${username}\0${password}`).toString('base64')}`)
    if (answer.code !== 235)
      throw new AdapterError('credentials', 'The mail server does not take this name and password')
  }

  /** One mail to one address; what it is given is taken, or nothing. @throws AdapterError */
  async deliver(from: string, to: string, data: string): Promise<void> {
    expect(await this.#ask(`MAIL FROM:<${from}>`), 250)
    expect(await this.#ask(`RCPT TO:<${to}>`), 250, 251)
    expect(await this.#ask('DATA'), 354)
    this.#connection.stream.write(`${data.replace(/^\./gm, '..')}.\r\n`)
    expect(await this.#reply(TAKEN), 250)
  }

  async quit(): Promise<void> {
    if (!this.#over) this.#connection.stream.write('QUIT\r\n')
    this.end(new AdapterError('transient', 'The mail server was left'))
  }

  end(error: AdapterError): void {
    if (this.#over) return
    this.#over = error
    this.#connection.destroy()
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  #listen(): void {
    const reader = new LineReader(4096)
    const { stream } = this.#connection
    stream.on('data', (chunk: Uint8Array) => {
      try {
        for (const line of reader.read(chunk)) this.#read(line.toString('utf8'))
      } catch (error) {
        this.end(error instanceof AdapterError ? error : new AdapterError('protocol', 'The mail server speaks no SMTP'))
      }
    })
    stream.on('error', () => this.end(new AdapterError('transient', 'The connection to the mail server has broken')))
    stream.on('close', () => this.end(new AdapterError('transient', 'The mail server has closed the connection')))
  }

  #read(line: string): void {
    const match = /^(\d{3})([ -]|$)(.*)$/.exec(line)
    if (!match || this.#lines.length >= LINES) throw new AdapterError('protocol', 'The mail server speaks no SMTP')
    this.#lines.push(match[3]!)
    if (match[2] === '-') return
    const reply = { code: Number(match[1]), lines: this.#lines }
    this.#lines = []
    if (this.#waiting) {
      this.#waiting.resolve(reply)
      this.#waiting = undefined
    } else if (this.#replies.push(reply) > 10) throw new AdapterError('protocol', 'The mail server speaks without end')
  }

  async #hello(): Promise<ReadonlyMap<string, string>> {
    const reply = await this.#ask(`EHLO ${this.#options.name}`)
    expect(reply, 250)
    return new Map(
      reply.lines.slice(1).map(line => {
        const space = line.indexOf(' ')
        const name = space === -1 ? line : line.slice(0, space)
        return [name.toUpperCase(), space === -1 ? '' : line.slice(space + 1).toUpperCase()]
      }),
    )
  }

  async #ask(line: string): Promise<Reply> {
    if (/[\r\n]/.test(line)) throw new AdapterError('denied', 'A command is one line')
    if (!this.#over) this.#connection.stream.write(`${line}\r\n`)
    return await this.#reply()
  }

  async #reply(timeout = REPLY): Promise<Reply> {
    const there = this.#replies.shift()
    if (there) return there
    if (this.#over) throw this.#over
    return await new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(timeout, () =>
        this.end(new AdapterError('transient', 'The mail server does not answer')),
      )
      this.#waiting = {
        resolve: reply => {
          cancel()
          resolve(reply)
        },
        reject: error => {
          cancel()
          reject(error)
        },
      }
    })
  }
}

/** @throws AdapterError what the number means for the sender (RFC 5321 § 4.2.1, RFC 3463) */
function expect(reply: Reply, ...codes: number[]): void {
  if (codes.includes(reply.code)) return
  const status = /^(\d)\.(\d{1,3})\.(\d{1,3})/.exec(reply.lines[0] ?? '')
  if (reply.code === 552 || status?.[0] === '5.3.4')
    throw new AdapterError('too-large', 'The mail is too long for its way')
  if (reply.code === 421 || (reply.code >= 400 && reply.code < 500))
    throw new AdapterError('transient', 'The mail server takes nothing just now')
  if (status?.[2] === '7' || reply.code === 554) throw new AdapterError('blocked', 'The mail is not wanted there')
  if (reply.code === 530 || reply.code === 535)
    throw new AdapterError('denied', 'The mail server does not let this gateway send')
  if (reply.code >= 500 && reply.code < 600) throw new AdapterError('not-found', 'There is no such address')
  throw new AdapterError('protocol', 'The mail server speaks no SMTP')
}
