import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import { ends } from '@parley/wire'
import { type Clock, type Logger, Networks } from '@xmpp/server-core'
import { mayBeginHeader, ProxyHeaderError, readProxyHeader } from './header.ts'

/** HAProxy's proxy-protocol.txt §2: at least 3 seconds, which one lost packet may cost. */
const HEADER_TIME = 3000

export interface ProxiesOptions {
  readonly trusted: readonly string[]
  readonly clock: Clock
  readonly log: Logger
}

/** What a trusted proxy must say before the client's first byte. */
type Need =
  /** A PROXY header: XMPP listeners do not guess (§2). */
  | 'required'
  /** A PROXY header or HTTP, whose first bytes can not be mistaken for one another. */
  | 'optional'

/**
 * Finds out whose a connection is. From a trusted proxy that is what its PROXY header says; the header of anybody else is
 * the first of their bytes, and as wrong as other bytes would be.
 */
export class Proxies {
  readonly trusted: Networks
  readonly #clock: Clock
  readonly #log: Logger
  /** Connections whose header has not come yet. */
  readonly #waiting = new Set<Socket>()
  /** Clients of HTTP connections that came through a proxy, by connection. */
  readonly #clients = new WeakMap<Socket, string>()
  /** The same while TLS is being negotiated, by the ends of the connection. */
  readonly #shaking = new Map<string, string>()

  constructor({ trusted, clock, log }: ProxiesOptions) {
    this.trusted = new Networks(trusted)
    this.#clock = clock
    this.#log = log
  }

  /** Connections that have yet to say whose they are. */
  get size(): number {
    return this.#waiting.size
  }

  /**
   * Calls `done` with the client's address once it is known; then `socket` gives what comes after the header. A connection
   * from a proxy that does not say whose it is gets closed, and `refused` is called.
   */
  meet(socket: Socket, need: Need, done: (client: string) => void, refused: () => void = () => {}): void {
    const peer = socket.remoteAddress ?? ''
    if (!this.trusted.has(peer)) {
      done(peer)
      return
    }
    const refuse = (reason: string) => {
      refused()
      this.#log.warn('a trusted proxy did not say whose connection it is', { address: peer, reason })
    }
    this.#read(socket, need, { done: client => done(client ?? peer), refuse })
  }

  /** Reads headers before an HTTP server sees its connections. */
  guard(server: HttpServer, refused?: () => void): void {
    if (this.trusted.isEmpty) return
    const take = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      const key = ends(socket)
      const done = (client: string) => {
        if (client !== socket.remoteAddress) {
          this.#clients.set(socket, client)
          this.#shaking.set(key, client)
          socket.once('close', () => this.#shaking.delete(key))
        }
        for (const listener of take) listener.call(server, socket)
      }
      this.meet(socket, 'optional', done, refused)
    })
    server.prependListener('secureConnection', (socket: Socket) => {
      const client = this.#shaking.get(ends(socket))
      if (client !== undefined) this.#clients.set(socket, client)
    })
  }

  /** The client's address on a connection of a guarded server. */
  clientOf(socket: Socket): string {
    return this.#clients.get(socket) ?? socket.remoteAddress ?? ''
  }

  close(): void {
    for (const socket of this.#waiting) socket.destroy()
  }

  #read(
    socket: Socket,
    need: Need,
    { done, refuse }: { done(client: string | undefined): void; refuse(reason: string): void },
  ): void {
    let bytes = Buffer.alloc(0)
    // Some proxies look in this way whether we are there: no reason to complain.
    const gone = () => socket.destroy()
    const leave = () => {
      stop()
      this.#waiting.delete(socket)
      socket.off('readable', read)
      socket.off('end', gone)
      socket.off('close', leave)
    }
    const end = (reason: string) => {
      leave()
      socket.destroy()
      refuse(reason)
    }
    const handOn = (rest: Buffer, client: string | undefined) => {
      leave()
      if (rest.length > 0) socket.unshift(rest)
      // Until then the socket still counts as read by us.
      process.nextTick(() => done(client))
    }
    const read = () => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      bytes = Buffer.concat([bytes, chunk])
      try {
        if (need === 'optional' && !mayBeginHeader(bytes)) return handOn(bytes, undefined)
        const header = readProxyHeader(bytes)
        if (header) handOn(bytes.subarray(header.length), header.client)
      } catch (error) {
        if (!(error instanceof ProxyHeaderError)) throw error
        end(error.message)
      }
    }
    const late = () => {
      // A connection that is opened ahead of its first request.
      if (need === 'optional' && bytes.length === 0) handOn(bytes, undefined)
      else end('it took too long')
    }
    const stop = this.#clock.after(HEADER_TIME, late)
    this.#waiting.add(socket)
    socket.on('error', () => {})
    socket.on('end', gone)
    socket.on('close', leave)
    socket.on('readable', read)
  }
}
