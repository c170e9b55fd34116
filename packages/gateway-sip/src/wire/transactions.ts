import { type AdapterClock, AdapterError } from '@parley/adapter'
import { formatVia, parseSequence, parseVia, type Via } from './fields.ts'
import { Headers } from './headers.ts'
import type { Hop } from './hop.ts'
import { formatMessage, type Request, type Response } from './message.ts'
import { COOKIE, token } from './token.ts'
import type { Source, Transports } from './transports.ts'

/** RFC 3261 table 4, in milliseconds. */
export const T1 = 500
const T2 = 4000
const T4 = 5000
const TIMEOUT = 64 * T1
/** Requests under way in each direction; what is beyond is refused. */
const MOST = 20_000
/** Bytes beyond which a datagram may not arrive (§18.1.1). */
export const MOST_DATAGRAM = 1300

/** Our requests (§17.1.2): sent again over UDP until they are answered. */
export class ClientTransactions {
  readonly #transports: Transports
  readonly #clock: AdapterClock
  readonly #sentBy: (hop: Hop) => { readonly host: string; readonly port: number }
  readonly #waiting = new Map<string, { method: string; hear(response: Response): void; end(): void }>()

  #over = false

  constructor(transports: Transports, clock: AdapterClock, sentBy: (hop: Hop) => { host: string; port: number }) {
    this.#transports = transports
    this.#clock = clock
    this.#sentBy = sentBy
  }

  /** The final answer. What never comes is 408, what cannot be sent is 503 (§8.1.3.1); then `local` is set. */
  async request(request: Request, hop: Hop): Promise<Response & { readonly local?: AdapterError }> {
    if (this.#waiting.size >= MOST) return local(503, new AdapterError('limited', 'Too much is under way', 5000))
    const branch = COOKIE + token()
    const bytes = this.#bytes(request, hop, branch)
    if (hop.transport === 'udp' && bytes.length > MOST_DATAGRAM) {
      const larger = { ...hop, transport: 'tcp' as const }
      const answer = await this.#exchange(request.method, branch, this.#bytes(request, larger, branch), larger)
      // §18.1.1: only where there is nobody on TCP it may go as a datagram after all; a MESSAGE may not (RFC 3428 §8).
      return answer.local && answer.status === 503 && request.method !== 'MESSAGE'
        ? this.#exchange(request.method, branch, bytes, hop)
        : answer
    }
    return this.#exchange(request.method, branch, bytes, hop)
  }

  #bytes(request: Request, hop: Hop, branch: string): Buffer {
    const headers = request.headers.copy()
    const params = new Map([
      ['branch', branch],
      ['rport', ''],
    ])
    headers.push('via', formatVia({ transport: hop.transport.toUpperCase(), ...this.#sentBy(hop), params }))
    return formatMessage({ ...request, headers })
  }

  #exchange(
    method: string,
    branch: string,
    bytes: Buffer,
    hop: Hop,
  ): Promise<Response & { readonly local?: AdapterError }> {
    if (this.#over) return Promise.resolve(local(503, new AdapterError('transient', 'The network is being left')))
    return new Promise(resolve => {
      let stopAgain = () => {}
      let stopWatch = () => {}
      let isOver = false
      const finish = (response: Response & { readonly local?: AdapterError }) => {
        isOver = true
        stopWatch()
        stopAgain()
        stopTimeout()
        if (this.#waiting.get(branch) === entry) this.#waiting.delete(branch)
        resolve(response)
      }
      const fail = (error: unknown) =>
        finish(
          local(
            503,
            error instanceof AdapterError ? error : new AdapterError('transient', 'The network cannot be reached'),
          ),
        )
      const entry = {
        method,
        end: () => fail(undefined),
        hear: (response: Response) => {
          if (response.status >= 200) finish(response)
          else interval = T2
        },
      }
      let interval = T1
      // What went over a connection that has ended is answered by nobody: whoever asked need not wait (§17.1.4).
      const lost = () => fail(undefined)
      const send = async () => {
        try {
          stopWatch = await this.#transports.send(bytes, hop, lost)
          if (isOver) stopWatch()
        } catch (error) {
          fail(error)
        }
      }
      const again = () => {
        stopAgain = this.#clock.after(interval, () => {
          interval = Math.min(interval * 2, T2)
          void send()
          again()
        })
      }
      const stopTimeout = this.#clock.after(TIMEOUT, () =>
        finish(local(408, new AdapterError('transient', 'The other side does not answer'))),
      )
      this.#waiting.set(branch, entry)
      void send()
      if (hop.transport === 'udp') again()
    })
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#over = true
    for (const entry of this.#waiting.values()) entry.end()
  }

  /** An answer has come. One that nobody waits for is a repeat, or somebody else's: dropped (§18.1.2). */
  hear(response: Response): void {
    const branch = parseVia(response.headers.list('via')[0] ?? '')?.params.get('branch')
    const entry = branch === undefined ? undefined : this.#waiting.get(branch)
    if (entry && parseSequence(response.headers.get('cseq') ?? '')?.method === entry.method) entry.hear(response)
  }
}

function local(status: number, error: AdapterError): Response & { readonly local: AdapterError } {
  return { status, reason: error.message, headers: new Headers(), body: Buffer.alloc(0), local: error }
}

interface Served {
  readonly source: Source
  readonly port: number | undefined
  answer: Buffer | undefined
  forget: () => void
  again: () => void
}

/** Requests of others (§17.2): one that comes again gets the answer again, and has no second effect. */
export class ServerTransactions {
  readonly #clock: AdapterClock
  readonly #served = new Map<string, Served>()

  constructor(clock: AdapterClock) {
    this.#clock = clock
  }

  /** True: it has come before, and is answered again, or acknowledges an answer. */
  repeated(request: Request): boolean {
    const isAck = request.method === 'ACK'
    const known = this.#served.get(keyOf(request, isAck ? 'INVITE' : request.method))
    if (isAck) known?.again()
    else if (known?.answer) send(known.source, known.port, known.answer)
    return isAck || known !== undefined
  }

  /** It is new, and to be answered. */
  begin(request: Request, source: Source): void {
    const key = keyOf(request, request.method)
    this.#served.set(key, {
      source,
      port: answerPort(request, source),
      answer: undefined,
      forget: this.#clock.after(TIMEOUT, () => this.#forget(key)),
      again: () => {},
    })
  }

  get full(): boolean {
    return this.#served.size >= MOST
  }

  answer(request: Request, response: Response): void {
    const key = keyOf(request, request.method)
    const served = this.#served.get(key)
    if (!served || served.answer) return
    const bytes = formatMessage(response)
    served.answer = bytes
    served.forget()
    const invite = request.method === 'INVITE'
    const reliable = served.source.transport !== 'udp'
    // Timer J (or H) where it may be sent again or be acknowledged; timer T4 suffices where nothing is lost.
    served.forget = this.#clock.after(reliable && !invite ? T4 : TIMEOUT, () => this.#forget(key))
    if (invite && !reliable) this.#repeat(served, bytes, T1)
    send(served.source, served.port, bytes)
  }

  /** A refusal of INVITE goes on until somebody says that it has been heard (§17.2.1). */
  #repeat(served: Served, bytes: Buffer, interval: number): void {
    const stop = this.#clock.after(interval, () => {
      send(served.source, served.port, bytes)
      this.#repeat(served, bytes, Math.min(interval * 2, T2))
    })
    served.again = stop
  }

  #forget(key: string): void {
    this.#served.get(key)?.again()
    this.#served.get(key)?.forget()
    this.#served.delete(key)
  }

  stop(): void {
    for (const key of [...this.#served.keys()]) this.#forget(key)
  }
}

/** Answers what nobody remembers: whoever has no right to be heard takes no room (§8.2.7). */
export function answerOnce(request: Request, source: Source, response: Response): void {
  send(source, answerPort(request, source), formatMessage(response))
}

function send(source: Source, port: number | undefined, bytes: Buffer): void {
  try {
    source.send(bytes, port)
  } catch (error) {
    // The connection has ended: who asked asks again on another one.
    if (!(error instanceof AdapterError)) throw error
  }
}

/** §17.2.3, and where the branch is of an old peer all that makes a request what it is. */
function keyOf(request: Request, method: string): string {
  const text = request.headers.list('via')[0] ?? ''
  const via: Via | undefined = parseVia(text)
  const branch = via?.params.get('branch')
  if (via && branch?.startsWith(COOKIE) && branch.length > COOKIE.length)
    return `${branch} ${via.host}:${via.port ?? ''} ${method}`
  const { headers } = request
  return [
    request.target,
    headers.get('from'),
    headers.get('call-id'),
    parseInt(headers.get('cseq') ?? '', 10),
    text,
    method,
  ].join(' ')
}

/** Without `rport` the answer goes to the port that the Via names (§18.2.2, RFC 3581 §4). */
function answerPort(request: Request, source: Source): number | undefined {
  const via = parseVia(request.headers.list('via')[0] ?? '')
  if (source.transport !== 'udp' || !via || via.params.has('rport')) return undefined
  return via.port ?? 5060
}
