import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'

/** What a rival does with one connection: gets each chunk of text, and answers what it likes. */
export type Manner = (text: string, socket: Socket) => void

const HEADER = /<stream:stream[^>]*>/
const stream = (id: string) =>
  `<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback" version="1.0" from="b.test" to="a.test" id="${id}">`
const FEATURES = '<stream:features><dialback xmlns="urn:xmpp:features:dialback"/></stream:features>'

/** The server of b.test, which does as it likes. Answers stream headers itself. */
export class Rival {
  /** What has come, over all connections, chunk by chunk. */
  readonly received: string[] = []
  readonly sockets = new Set<Socket>()
  readonly #server: Server
  manner: Manner

  private constructor(manner: Manner) {
    this.manner = manner
    this.#server = createServer(socket => this.#meet(socket))
  }

  static async open(manner: Manner = () => {}): Promise<Rival> {
    const rival = new Rival(manner)
    await new Promise<void>(resolve => void rival.#server.listen(0, '127.0.0.1', resolve))
    return rival
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get text(): string {
    return this.received.join('')
  }

  forget(): void {
    this.received.length = 0
    for (const socket of this.sockets) socket.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>(resolve => void this.#server.close(() => resolve()))
  }

  #meet(socket: Socket): void {
    this.sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.sockets.delete(socket))
    let count = 0
    socket.on('data', chunk => {
      const text = chunk.toString()
      this.received.push(text)
      if (HEADER.test(text)) socket.write(`${stream(`rival-${++count}`)}${FEATURES}`)
      this.manner(text, socket)
    })
  }
}

/** Says "valid" to every key that it is asked about, and to every key that is sent to it. */
export const honest: Manner = (text, socket) => {
  for (const [, attributes] of text.matchAll(/<db:verify ([^>]*)>[^<]+<\/db:verify>/g))
    socket.write(`<db:verify ${swapped(attributes!)} type="valid"/>`)
  for (const [, attributes] of text.matchAll(/<db:result ([^>]*)>[^<]+<\/db:result>/g))
    socket.write(`<db:result ${swapped(attributes!)} type="valid"/>`)
}

function swapped(attributes: string): string {
  return attributes.replace('from=', 'x=').replace('to=', 'from=').replace('x=', 'to=')
}
