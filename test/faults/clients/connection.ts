import { connect, type Socket } from 'node:net'
import { type Element, StreamParser } from '@parley/xml'
import { scramSha1 } from '../../bench/load/scram.ts'
import { DOMAIN } from '../stage/front.ts'

const header = (domain: string) =>
  `<?xml version="1.0"?><stream:stream to="${domain}" version="1.0" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">`
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const LOCAL_ADDRESSES = 8
let opened = 0

export const PASSWORD = 'secret'

interface Waiting {
  wants(element: Element): boolean
  take(element: Element): void
  lost(error: Error): void
}

/** A client's TCP connection, which may end at any moment: every wait ends with it. */
export class Connection {
  readonly #socket: Socket
  readonly #parser: StreamParser
  readonly #domain: string
  readonly #waiting = new Set<Waiting>()
  /** Every element, as soon as it is read; those that somebody waits for too. */
  onElement: (element: Element) => void = () => {}
  onLost: () => void = () => {}
  isOpen = true
  /** When something came (ms, `performance.now`). */
  heard = performance.now()

  private constructor(socket: Socket, domain: string) {
    this.#domain = domain
    this.#socket = socket
    this.#parser = new StreamParser({
      opened: () => {},
      stanza: element => this.#take(element),
      closed: () => this.destroy(),
    })
    socket.on('data', bytes => {
      this.heard = performance.now()
      try {
        this.#parser.write(bytes)
      } catch {
        // Cut in the middle by a fault, or not XML: the server is asked again on another connection.
        this.destroy()
      }
    })
    socket.on('error', () => this.destroy())
    socket.on('close', () => this.destroy())
  }

  /** Rejects when there is no connection within `patience` (ms). */
  static open(port: number, { patience = 2000, domain = DOMAIN } = {}): Promise<Connection> {
    return new Promise((resolve, reject) => {
      // One address has some 28,000 ports only, and those of connections that have just ended are taken.
      const localAddress = `127.0.0.${1 + (opened++ % LOCAL_ADDRESSES)}`
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, localAddress })
      const late = setTimeout(() => socket.destroy(new Error('No connection in time')), patience)
      socket.once('error', error => {
        clearTimeout(late)
        reject(error)
      })
      socket.once('connect', () => {
        clearTimeout(late)
        socket.removeAllListeners('error')
        resolve(new Connection(socket, domain))
      })
    })
  }

  /** Makes an account (XEP-0077). */
  static async register(port: number, user: string, domain = DOMAIN): Promise<void> {
    const connection = await Connection.open(port, { domain })
    await connection.#stream()
    const query = `<query xmlns="jabber:iq:register"><username>${user}</username><password>${PASSWORD}</password></query>`
    await connection.request('register', 'set', query)
    connection.close()
  }

  /** SCRAM-SHA-1; what follows is on a new stream, whose features are out of the way. */
  async authenticate(user: string): Promise<void> {
    const scram = scramSha1(user, PASSWORD)
    await this.#stream()
    this.write(`<auth xmlns="${SASL}" mechanism="SCRAM-SHA-1">${scram.first}</auth>`)
    const challenge = await this.next(({ ns }) => ns === SASL)
    if (challenge.name !== 'challenge') throw new Error(`Not logged in: ${challenge}`)
    this.write(`<response xmlns="${SASL}">${scram.answer(challenge.text())}</response>`)
    const answer = await this.next(({ ns }) => ns === SASL)
    if (answer.name !== 'success') throw new Error(`Not logged in: ${answer}`)
    await this.#stream()
  }

  /** @throws Error where the server refuses */
  async bind(resource: string): Promise<void> {
    const payload = `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>${resource}</resource></bind>`
    await this.request('bind', 'set', payload)
  }

  /** @throws Error where the answer is an error */
  async request(id: string, type: 'get' | 'set', payload: string): Promise<Element> {
    const answered = this.next(({ name, attrs }) => name === 'iq' && attrs['id'] === id)
    this.write(`<iq type="${type}" id="${id}">${payload}</iq>`)
    const answer = await answered
    if (answer.attrs['type'] !== 'result') throw new Error(`Refused: ${answer}`)
    return answer
  }

  next(wants: (element: Element) => boolean): Promise<Element> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('The connection is gone'))
      this.#waiting.add({ wants, take: resolve, lost: reject })
    })
  }

  write(xml: string): void {
    if (this.isOpen) this.#socket.write(xml)
  }

  /** Stops reading, as a client with a dead display does; `false` goes on. */
  choke(is: boolean): void {
    if (is) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Ends the stream in order. */
  close(): void {
    this.write('</stream:stream>')
    this.#socket.end()
  }

  destroy(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#socket.destroy()
    for (const { lost } of this.#waiting) lost(new Error('The connection is gone'))
    this.#waiting.clear()
    this.onLost()
  }

  async #stream(): Promise<void> {
    this.#parser.reset()
    const features = this.next(({ name }) => name === 'features')
    this.write(header(this.#domain))
    await features
  }

  #take(element: Element): void {
    if (!this.isOpen) return
    this.onElement(element)
    for (const waiting of this.#waiting) {
      if (!waiting.wants(element)) continue
      this.#waiting.delete(waiting)
      waiting.take(element)
      return
    }
  }
}
