import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** A network between a client and the server that can fail: bytes go through until it is cut. */
export class Link {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server
    this.#sockets = sockets
    this.port = (server.address() as { port: number }).port
  }

  /** Leads to a port of this machine. */
  static async to(port: number): Promise<Link> {
    const sockets = new Set<Socket>()
    const server = createServer(near => {
      const far = dial(port, '127.0.0.1')
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far).pipe(near)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new Link(server, sockets)
  }

  /** Breaks all connections without a word of XMPP, WebSocket or TLS; new ones go through. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.cut()
    await closed
  }
}
