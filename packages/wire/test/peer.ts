import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'

const open = new Set<Peer>()

/** Drops all connections that are still there. */
export async function dropAll(): Promise<void> {
  for (const peer of open) peer.drop()
  await Promise.all([...open].map(({ closed }) => closed))
}

/** A client's end of a connection: it sees bytes, and understands nothing. */
export class Peer<S extends Socket = Socket> {
  readonly socket: S
  received = ''
  /** Whether the connection is gone. */
  isClosed = false
  readonly closed: Promise<void>
  readonly #watchers = new Set<() => void>()
  #seen = 0

  constructor(socket: S) {
    this.socket = socket
    open.add(this)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1')
      this.#tell()
    })
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.isClosed = true
        open.delete(this)
        resolve()
        this.#tell()
      })
    })
  }

  /** The next text from where the last one was found, up to and with `text`. Fails when the connection ends first. */
  until(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const at = this.received.indexOf(text, this.#seen)
        if (at < 0 && !this.isClosed) return
        this.#watchers.delete(look)
        if (at < 0) return reject(new Error(`Closed before ${text}: ${this.received.slice(this.#seen)}`))
        const found = this.received.slice(this.#seen, at + text.length)
        this.#seen = at + text.length
        resolve(found)
      }
      this.#watchers.add(look)
      look()
    })
  }

  write(data: string | Buffer): Promise<void> {
    return new Promise(resolve => this.socket.write(data, () => resolve()))
  }

  /** Ends the connection without a word, with a reset where the system can. */
  drop(): void {
    if (this.socket instanceof TLSSocket || this.socket.destroyed) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

export function dial(port: number): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(new Peer(socket)))
    socket.once('error', reject)
  })
}

/** A finished handshake, on a new connection or on one that is there (`socket`). */
export function dialTls(options: ConnectionOptions): Promise<Peer<TLSSocket>> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
      socket.off('error', reject)
      resolve(peer)
    })
    const peer = new Peer(socket)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('Closed during the handshake')))
  })
}

export const header = (to: string, ns = 'jabber:client') =>
  `<?xml version='1.0'?><stream:stream to='${to}' version='1.0' xmlns='${ns}' xmlns:stream='http://etherx.jabber.org/streams'>`
