import { type AdapterClock, type Connection, sameSecret } from '@parley/adapter'

export interface Request {
  readonly method: string
  /** Parts of the path, without their percent signs. */
  readonly path: readonly string[]
  readonly body: Uint8Array
}

export interface Answer {
  readonly status: number
  readonly body: object
}

export interface HttpOptions {
  readonly clock: AdapterClock
  /** What whoever asks must know. */
  readonly token: string
  answer(request: Request): Promise<Answer>
}

const HEAD = 16_384
const BODY = 16_777_216
const IDLE = 120_000
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  411: 'Length Required',
  413: 'Content Too Large',
  500: 'Internal Server Error',
}
const BLANK = Buffer.from('\r\n\r\n')

interface Head {
  readonly method: string
  readonly target: string
  readonly length: number
  /** Undefined: there is no token. */
  readonly allowed: boolean | undefined
  readonly last: boolean
}

/** One connection of the homeserver: HTTP/1.1 (RFC 9112), requests one after another, bodies of known length. */
export class HttpConnection {
  readonly #connection: Connection
  readonly #options: HttpOptions
  readonly #closed: () => void
  readonly #token: string
  #rest: Buffer[] = []
  #size = 0
  #head: Head | undefined
  #busy = false
  #over = false
  #stopIdle: () => void = () => {}

  constructor(connection: Connection, options: HttpOptions, closed: () => void) {
    this.#connection = connection
    this.#options = options
    this.#closed = closed
    this.#token = options.token
    const { stream } = connection
    stream.on('data', (chunk: Uint8Array) => {
      this.#rest.push(Buffer.from(chunk))
      this.#size += chunk.length
      stream.pause()
      void this.#work()
    })
    stream.on('error', () => this.end())
    stream.on('close', () => this.end())
    this.#wait()
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#stopIdle()
    this.#rest = []
    this.#connection.destroy()
    this.#closed()
  }

  #wait(): void {
    this.#stopIdle()
    this.#stopIdle = this.#options.clock.after(IDLE, () => this.end())
  }

  async #work(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    while (!this.#over && (await this.#next()));
    this.#busy = false
    if (this.#over) return
    this.#wait()
    this.#connection.stream.resume()
  }

  /** Reads and answers one request; false: more has to come. */
  async #next(): Promise<boolean> {
    if (!this.#head) {
      const bytes = this.#all()
      const end = bytes.indexOf(BLANK)
      if (end === -1 || end > HEAD) {
        if (bytes.length > HEAD) this.#refuse(400)
        return false
      }
      const head = readHead(bytes.toString('latin1', 0, end), this.#token)
      if (typeof head === 'number') {
        this.#refuse(head)
        return false
      }
      this.#head = head
      this.#keep(bytes.subarray(end + BLANK.length))
    }
    if (this.#size < this.#head.length) return false
    const { method, target, length, allowed, last } = this.#head
    const bytes = this.#all()
    this.#head = undefined
    this.#keep(bytes.subarray(length))
    const path = pathOf(target)
    // Without the token nothing is looked at.
    if (allowed === undefined) this.#say({ status: 401, body: { errcode: 'M_UNAUTHORIZED', error: 'No token' } })
    else if (!allowed) this.#say({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'Wrong token' } })
    else if (!path) this.#say({ status: 400, body: { errcode: 'M_UNRECOGNIZED', error: 'No such path' } })
    else this.#say(await this.#answer({ method, path, body: bytes.subarray(0, length) }))
    if (last) this.#connection.stream.end(() => this.end())
    return !last
  }

  async #answer(request: Request): Promise<Answer> {
    try {
      return await this.#options.answer(request)
    } catch {
      return { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Something went wrong here' } }
    }
  }

  #all(): Buffer {
    const bytes = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest)
    this.#rest = [bytes]
    return bytes
  }

  #keep(bytes: Buffer): void {
    this.#rest = [bytes]
    this.#size = bytes.length
  }

  #refuse(status: number): void {
    this.#say({ status, body: { errcode: 'M_BAD_JSON', error: 'The request makes no sense' } })
    this.#connection.stream.end(() => this.end())
  }

  #say({ status, body }: Answer): void {
    if (this.#over) return
    const text = JSON.stringify(body)
    const head = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}`
    this.#connection.stream.write(`${head}\r\n\r\n${text}`)
  }
}

/** @returns the status that the request is refused with, where it is none */
function readHead(text: string, token: string): Head | number {
  const [first = '', ...lines] = text.split('\r\n')
  const match = /^([A-Z]{1,10}) (\/[!-~]{0,4000}) HTTP\/1\.([01])$/.exec(first)
  if (!match || lines.length > 100) return 400
  let length: number | undefined
  let authorization = ''
  let connection = match[3] === '0' ? 'close' : ''
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([^\0\r\n]*?)[ \t]*$/.exec(line)
    if (!field) return 400
    const name = field[1]!.toLowerCase()
    if (name === 'transfer-encoding') return 411
    if (name === 'content-length') {
      // Two lengths are two requests to somebody (RFC 9112 § 6.3).
      if (length !== undefined || !/^\d{1,10}$/.test(field[2]!)) return 400
      length = Number(field[2])
    } else if (name === 'authorization') authorization = field[2]!
    else if (name === 'connection') connection = field[2]!.toLowerCase()
  }
  if ((length ?? 0) > BODY) return 413
  const given = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? ''
  const allowed = given === '' ? undefined : sameSecret(given, token)
  return { method: match[1]!, target: match[2]!, length: length ?? 0, allowed, last: connection === 'close' }
}

function pathOf(target: string): string[] | undefined {
  try {
    return target.split('?', 1)[0]!.slice(1).split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}
