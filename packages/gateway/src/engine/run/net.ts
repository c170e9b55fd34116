import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls'
import { AdapterError, type Connection, type ConnectOptions } from '@parley/adapter'
import { type Clock, ConnectRules, connectTo, Resolver } from '@parley/net'

/** Where sessions may connect, as the operator says. It passes between processes. */
export interface NetPolicy {
  /** Private addresses and networks that are open, besides all public ones. */
  readonly allow: readonly string[]
  /** Name servers; absent: those of the system. */
  readonly dns?: readonly string[]
  /** Certificates (PEM) of authorities that are believed besides those that everybody believes. */
  readonly ca?: readonly string[]
  /** What doors of our own show (PEM). */
  readonly certificate?: { readonly cert: string; readonly key: string }
}

type TlsOptions = Pick<ConnectOptions, 'servername' | 'trustAnything' | 'identify'>

const TIMEOUT = 15_000
const OLDEST_TLS = 'TLSv1.2'

/** The outside, for all sessions of a process. */
export class Net {
  readonly clock: Clock
  readonly policy: NetPolicy
  readonly #rules: ConnectRules
  readonly #resolver: Resolver
  /** Without the certificate of our doors, and with it. */
  readonly #contexts = new Map<boolean, SecureContext>()

  constructor(policy: NetPolicy, clock: Clock) {
    this.policy = policy
    this.clock = clock
    this.#rules = new ConnectRules({ allow: policy.allow, system: true })
    this.#resolver = new Resolver({ clock, ...(policy.dns && { servers: policy.dns }) })
  }

  /** A connection without TLS. @throws AdapterError `transient` or `denied` */
  async dial(host: string, port: number, timeout: number, signal: AbortSignal): Promise<Socket> {
    const target = { host, port, direct: true, priority: 0, weight: 0, secure: false }
    let refused = false
    const attempts = connectTo(
      { list: [target] },
      {
        ...{ resolver: this.#resolver, rules: this.#rules, clock: this.clock, signal },
        times: { target: timeout, all: timeout },
        observe: event => {
          refused ||= event.step === 'refused'
        },
      },
    )
    let socket: Socket | undefined
    try {
      socket = (await attempts.next())?.socket
    } catch {
      throw new AdapterError('transient', 'The connection is not wanted any more')
    }
    if (!socket) {
      const reason = attempts.failures.at(-1)?.reason ?? 'nobody answers'
      if (refused) throw new AdapterError('denied', `Connections to ${host} are not allowed here`)
      throw new AdapterError('transient', `${host} cannot be reached: ${reason}`)
    }
    // Whatever happens to it is told on the streams above.
    socket.on('error', () => {})
    return socket
  }

  /**
   * The address that a datagram may go to; undefined where it may not, or nobody knows one.
   * @param known somebody who has written to us, and is answered wherever that is
   */
  reach(
    host: string,
    port: number,
    known: boolean,
    signal: AbortSignal,
  ): string | undefined | Promise<string | undefined> {
    const may = (address: string) =>
      (known ? this.#rules.portRefusal(port) : this.#rules.refusal(address, port)) === undefined
    if (isIP(host) !== 0) return may(host) ? host : undefined
    return this.#resolver.addresses(host, 4, { signal }).then(
      ({ records }) => records.find(may),
      () => undefined,
    )
  }

  /** TLS on a connection, once the other side has proved who it is. @throws AdapterError */
  secure(
    socket: Duplex,
    host: string,
    { servername = host, trustAnything = false, identify = false }: TlsOptions,
    timeout: number,
  ): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const isName = !/^[\d.]+$|:/.test(servername)
      const tls = tlsConnect({
        socket,
        host: servername,
        ...(isName && { servername }),
        secureContext: this.#secureContext(identify),
        rejectUnauthorized: !trustAnything,
      })
      const fail = (error: Error) => {
        late()
        tls.destroy()
        reject(new AdapterError('transient', `No TLS with ${host}: ${error.message}`))
      }
      const late = this.clock.after(timeout, () => fail(new Error('it took too long')))
      const closed = () => fail(new Error('the connection was closed'))
      tls.on('error', fail)
      tls.once('close', closed)
      tls.once('secureConnect', () => {
        late()
        // Those of others stay: one of them frees what TLS holds.
        tls.off('close', closed)
        tls.off('error', fail)
        tls.on('error', () => {})
        resolve(tls)
      })
    })
  }

  /** Whom to believe; undefined: those whom everybody believes. */
  get authorities(): readonly string[] | undefined {
    const { ca } = this.policy
    return ca && [...rootCertificates, ...ca]
  }

  #secureContext(identify: boolean): SecureContext {
    const known = this.#contexts.get(identify)
    if (known) return known
    const ca = this.authorities
    const own = identify && this.policy.certificate
    const context = createSecureContext({ minVersion: OLDEST_TLS, ...(ca && { ca: [...ca] }), ...own })
    this.#contexts.set(identify, context)
    return context
  }
}

/** What one session has open, and how much went over it. */
export class Lines {
  readonly #net: Net
  readonly #signal: AbortSignal
  readonly #open = new Set<Socket>()
  #in = 0
  #out = 0

  constructor(net: Net, signal: AbortSignal) {
    this.#net = net
    this.#signal = signal
    signal.addEventListener('abort', () => this.#cut(), { once: true })
  }

  /** Bytes that went over all connections of the session. */
  get bytes(): { readonly in: number; readonly out: number } {
    const sum = { in: this.#in, out: this.#out }
    for (const socket of this.#open) {
      sum.in += socket.bytesRead
      sum.out += socket.bytesWritten
    }
    return sum
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const { host, port, timeout = TIMEOUT } = options
    const socket = await this.#net.dial(host, port, timeout, this.#signal)
    this.keep(socket)
    const connection = new Wire(this.#net, socket, host, timeout)
    if (options.tls) await connection.startTls(options)
    return connection
  }

  /** Counts what goes over a socket, and cuts it when the session ends. */
  keep(socket: Socket): void {
    if (this.#signal.aborted) {
      socket.destroy()
      return
    }
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#in += socket.bytesRead
      this.#out += socket.bytesWritten
    })
  }

  #cut(): void {
    for (const socket of this.#open) socket.destroySoon()
    // What has been written has a moment to leave; nobody keeps a session that was ended.
    this.#net.clock.after(LEAVE, () => {
      for (const socket of this.#open) socket.destroy()
    })
  }
}

const LEAVE = 1000

/** One connection, in the clear or with TLS. */
export class Wire implements Connection {
  readonly remote: string
  readonly names?: readonly string[]
  readonly #net: Net
  readonly #socket: Socket
  readonly #host: string
  readonly #timeout: number
  #stream: Duplex

  constructor(net: Net, socket: Socket, host: string, timeout = TIMEOUT, names?: readonly string[]) {
    this.#net = net
    this.#socket = socket
    this.#stream = socket
    this.#host = host
    this.#timeout = timeout
    this.remote = socket.remoteAddress ?? ''
    if (names) this.names = names
  }

  get stream(): Duplex {
    return this.#stream
  }

  async startTls(options: TlsOptions = {}): Promise<void> {
    if (this.#stream !== this.#socket) throw new AdapterError('protocol', 'The connection has TLS already')
    this.#socket.removeAllListeners('data')
    try {
      this.#stream = await this.#net.secure(this.#socket, this.#host, options, this.#timeout)
    } catch (error) {
      this.#socket.destroy()
      throw error
    }
  }

  destroy(): void {
    this.#stream.destroy()
    this.#socket.destroy()
  }
}
