import { connect, type TLSSocket } from 'node:tls'
import { type Element, StreamParser } from '@parley/xml'

const HEADER =
  '<?xml version="1.0"?><stream:stream to="localhost" version="1.0" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">'
const SM = 'urn:xmpp:sm:3'

/** A client on a real TLS socket that may die at any moment: every wait ends when the connection does. */
export class Connection {
  readonly #socket: TLSSocket
  readonly #parser: StreamParser
  readonly #waiting = new Set<{
    wants(element: Element): boolean
    take(element: Element): void
    lost(error: Error): void
  }>()
  onElement: (element: Element) => void = () => {}
  onLost: () => void = () => {}
  isOpen = true

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    this.#parser = new StreamParser({
      opened: () => {},
      stanza: element => this.#take(element),
      closed: () => this.#lose(),
    })
    socket.on('data', bytes => this.#parser.write(bytes))
    socket.on('error', () => this.#lose())
    socket.on('close', () => this.#lose())
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        ALPNProtocols: ['xmpp-client'],
        rejectUnauthorized: false,
      })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
    })
  }

  /** SASL PLAIN; what follows is on a new stream, whose features are out of the way. */
  async authenticate(user: string, password: string): Promise<void> {
    await this.#stream()
    const plain = Buffer.from(`\0${user}\0${password}`).toString('base64')
    this.send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`)
    const answer = await this.next(({ ns }) => ns === 'urn:ietf:params:xml:ns:xmpp-sasl')
    if (answer.name !== 'success') throw new Error(`Not logged in: ${answer}`)
    await this.#stream()
  }

  async bind(resource: string): Promise<void> {
    await this.request(
      'bind',
      'set',
      `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>${resource}</resource></bind>`,
    )
  }

  /** Gives the id to resume by. */
  async enable(): Promise<string> {
    this.send(`<enable xmlns="${SM}" resume="true"/>`)
    return (await this.next(({ ns }) => ns === SM)).attrs['id']!
  }

  /** `<resumed/>` or `<failed/>`. */
  async resume(id: string, h: number): Promise<Element> {
    this.send(`<resume xmlns="${SM}" previd="${id}" h="${h}"/>`)
    return this.next(({ ns }) => ns === SM)
  }

  async request(id: string, type: 'get' | 'set', payload: string): Promise<Element> {
    const answer = this.next(({ name, attrs }) => name === 'iq' && attrs['id'] === id)
    this.send(`<iq type="${type}" id="${id}">${payload}</iq>`)
    return answer
  }

  next(wants: (element: Element) => boolean): Promise<Element> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('The connection is gone'))
      this.#waiting.add({ wants, take: resolve, lost: reject })
    })
  }

  send(xml: string): void {
    if (this.isOpen) this.#socket.write(xml)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #stream(): Promise<void> {
    this.#parser.reset()
    const features = this.next(({ name }) => name === 'features')
    this.send(HEADER)
    await features
  }

  #take(element: Element): void {
    for (const waiting of this.#waiting) {
      if (!waiting.wants(element)) continue
      this.#waiting.delete(waiting)
      waiting.take(element)
      return
    }
    this.onElement(element)
  }

  #lose(): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const { lost } of this.#waiting) lost(new Error('The connection is gone'))
    this.#waiting.clear()
    this.onLost()
  }
}
