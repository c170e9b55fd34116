import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Link {
  readonly near: Socket
  readonly far: Socket
  /** What has been said from this side, at the beginning: to tell links apart. */
  said: string
}

/** What stands between an adapter and a server, and spoils what passes. */
export class Spoiler {
  readonly #server: Server
  readonly #links = new Set<Link>()
  #slow = false

  private constructor(server: Server, port: number) {
    this.#server = server
    server.on('connection', near => this.#link(near, connect(port, '127.0.0.1')))
  }

  /** @param port where the server listens */
  static async open(port: number): Promise<Spoiler> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Spoiler(server, port)
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  cut(mark: RegExp): void {
    for (const { near } of this.#those(mark)) near.destroy()
  }

  /** Says something in the server's place. */
  say(mark: RegExp, bytes: Uint8Array): void {
    for (const { near } of this.#those(mark)) near.write(bytes)
  }

  /** Nothing more passes, and the connection stays. */
  freeze(mark: RegExp): void {
    for (const { near, far } of this.#those(mark)) {
      near.removeAllListeners('data').resume()
      far.removeAllListeners('data').resume()
    }
  }

  /** From now on a byte at a time. */
  slow(): void {
    this.#slow = true
  }

  close(): void {
    for (const { near } of this.#links) near.destroy()
    this.#server.close()
  }

  #those(mark: RegExp): Link[] {
    return [...this.#links].filter(({ said }) => mark.test(said))
  }

  #link(near: Socket, far: Socket): void {
    const link: Link = { near, far, said: '' }
    this.#links.add(link)
    near.setNoDelay(true)
    near.on('data', (chunk: Buffer) => {
      if (link.said.length < 10_000) link.said += chunk.toString('latin1')
      far.write(chunk)
    })
    far.on('data', (chunk: Buffer) => {
      if (this.#slow) for (const byte of chunk) near.write(Uint8Array.of(byte))
      else near.write(chunk)
    })
    const end = () => {
      this.#links.delete(link)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
  }
}
