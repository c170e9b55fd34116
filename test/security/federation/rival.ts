import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Issued } from '../../../packages/wire/test/issue.ts'

/** What a rival does with one connection: gets each chunk of text, and answers what it likes. */
export type Manner = (text: string, socket: Socket) => void

const HEADER = /<stream:stream[^>]*>/
const stream = (id: string) =>
  `<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback" version="1.0" from="b.test" to="a.test" id="${id}">`
const FEATURES = '<dialback xmlns="urn:xmpp:features:dialback"/>'
const STARTTLS = '<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>'
const PROCEED = '<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>'

/** The server of b.test, which does as it likes. Answers stream headers itself. */
export class Rival {
  /** What has come, over all connections, chunk by chunk. */
  readonly received: string[] = []
  readonly sockets = new Set<Socket>()
  #streams = 0
  readonly #server: Server
  manner: Manner
  /** What it shows in TLS; without one it offers none. */
  certificate: Issued | undefined
  /** What it offers, beside TLS, which comes first. */
  features = FEATURES
  /** Takes connections, and says nothing. */
  isSilent = false

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
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('data', chunk => {
      const text = chunk.toString()
      this.received.push(text)
      if (this.isSilent) return
      const isClear = !(socket instanceof TLSSocket)
      if (HEADER.test(text)) {
        const offered = this.certificate && isClear ? STARTTLS : this.features
        socket.write(`${stream(`rival-${++this.#streams}`)}<stream:features>${offered}</stream:features>`)
      }
      if (this.certificate && isClear && text.includes('<starttls')) this.#secure(socket, this.certificate)
      else this.manner(text, socket)
    })
  }

  #secure(raw: Socket, { cert, key }: Issued): void {
    raw.removeAllListeners('data')
    raw.write(PROCEED)
    const socket = new TLSSocket(raw, { isServer: true, cert, key, requestCert: true, rejectUnauthorized: false })
    socket.on('error', () => {})
    this.#listen(socket)
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
