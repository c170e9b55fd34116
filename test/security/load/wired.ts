import { connect, type Socket } from 'node:net'
import { base64, ScramClient, text } from '@parley/testkit'
import { type Element, StreamParser } from '@parley/xml'

const HEADER =
  '<?xml version="1.0"?><stream:stream to="localhost" version="1.0" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const SM = 'urn:xmpp:sm:3'
/** How long something that must come may take (ms). */
const PATIENCE = 15_000

export const PASSWORD = 'secret'

interface Waiting {
  readonly wants: (element: Element) => boolean
  readonly take: (element: Element) => void
  readonly lost: (error: Error) => void
}

/** Somebody at the other end of a real socket; its domain is `localhost`. What nobody waits for goes into an inbox. */
export class Wired {
  readonly socket: Socket
  readonly inbox: Element[] = []
  readonly #parser: StreamParser
  readonly #waiting = new Set<Waiting>()
  jid = ''
  /** The id to resume with, and how many stanzas have come and were sent since counting began (XEP-0198). */
  sid = ''
  taken = 0
  sent = 0
  isOpen = true
  /** Takes messages instead of the inbox. */
  onMessage: ((message: Element) => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    this.#parser = new StreamParser({ opened() {}, stanza: element => this.#take(element), closed: () => this.leave() })
    this.#parser.setLimits({ maxStanzaBytes: 16_777_216 })
    socket.on('data', bytes => this.isOpen && this.#parser.write(bytes))
    socket.on('error', () => this.#lost())
    socket.on('close', () => this.#lost())
  }

  /** A connection without anything on it. */
  static open(port: number, localAddress = '127.0.0.1'): Promise<Wired> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, localAddress })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Wired(socket))
      })
    })
  }

  /** Makes an account. */
  static async register(port: number, user: string): Promise<void> {
    const client = await Wired.open(port)
    await client.begin()
    const fields = `<username>${user}</username><password>${PASSWORD}</password>`
    const answer = await client.asks('set', `<query xmlns="jabber:iq:register">${fields}</query>`)
    client.leave()
    if (answer.attrs['type'] !== 'result') throw new Error(`No account: ${answer}`)
  }

  /** Logged in and bound. */
  static async join(port: number, address: string): Promise<Wired> {
    const [user = '', resource = ''] = address.split('/')
    const client = await Wired.open(port)
    await client.authenticate(user)
    await client.bind(resource)
    return client
  }

  /** One stanza or other element. */
  write(xml: string): void {
    if (/^<(message|presence|iq)\b/.test(xml)) this.sent++
    this.socket.write(xml)
  }

  /** Opens a stream; gives its features. */
  begin(): Promise<Element> {
    const features = this.next(({ name }) => name === 'features')
    this.#parser.reset()
    this.write(HEADER)
    return features
  }

  /** SCRAM, and the stream behind it. */
  async authenticate(user: string): Promise<void> {
    await this.begin()
    const scram = new ScramClient({ mechanism: 'SCRAM-SHA-1', user, password: PASSWORD })
    const challenge = await this.#sasl(`<auth xmlns="${SASL}" mechanism="SCRAM-SHA-1">${base64(scram.first)}</auth>`)
    const final = base64(scram.final(text(challenge)))
    const answer = await this.#sasl(`<response xmlns="${SASL}">${final}</response>`)
    if (answer.name !== 'success') throw new Error(`Not logged in: ${answer}`)
    await this.begin()
  }

  async bind(resource: string): Promise<void> {
    const bound = await this.asks('set', `<bind xmlns="${BIND}"><resource>${resource}</resource></bind>`)
    this.jid = bound.child('bind', BIND)?.textOf('jid') ?? ''
    if (this.jid === '') throw new Error(`Not bound: ${bound}`)
  }

  /** Starts counting (XEP-0198 §3). */
  async counts(): Promise<void> {
    const enabled = this.next(({ name, ns }) => ns === SM && name === 'enabled')
    this.write(`<enable xmlns="${SM}" resume="true"/>`)
    this.sid = (await enabled).attrs['id'] ?? ''
    this.taken = 0
    this.sent = 0
  }

  /** What has been handled of all that was sent: the `h` of `<a/>`. */
  async handled(patience = PATIENCE): Promise<number> {
    const answer = this.next(({ name, ns }) => ns === SM && name === 'a', patience)
    this.write(`<r xmlns="${SM}"/>`)
    return Number((await answer).attrs['h'])
  }

  /** Goes on with a session of somebody else's connection; gives the answer, `<resumed/>` or `<failed/>`. */
  resumes({ sid, taken }: Pick<Wired, 'sid' | 'taken'>): Promise<Element> {
    const answer = this.next(({ name, ns }) => ns === SM && (name === 'resumed' || name === 'failed'))
    this.write(`<resume xmlns="${SM}" previd="${sid}" h="${taken}"/>`)
    return answer
  }

  /** A request and its answer, result or error. */
  asks(type: 'get' | 'set', payload: string, to = ''): Promise<Element> {
    const id = `q${++asked}`
    const answer = this.next(({ name, attrs }) => name === 'iq' && attrs['id'] === id)
    this.write(`<iq type="${type}" id="${id}"${to === '' ? '' : ` to="${to}"`}>${payload}</iq>`)
    return answer
  }

  /** Milliseconds of a ping to the server. */
  async pings(): Promise<number> {
    const began = performance.now()
    await this.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
    return performance.now() - began
  }

  says(to: string, body: string, id = body): void {
    this.write(`<message to="${to}" type="chat" id="${id}"><body>${body}</body></message>`)
  }

  /** The first element like that, of the inbox or of what comes. */
  next(wants: (element: Element) => boolean, patience = PATIENCE): Promise<Element> {
    const index = this.inbox.findIndex(wants)
    if (index >= 0) return Promise.resolve(this.inbox.splice(index, 1)[0]!)
    if (!this.isOpen) return Promise.reject(new Error('The connection is closed'))
    return new Promise((resolve, reject) => {
      const end = (finish: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        finish()
      }
      const timer = setTimeout(() => end(() => reject(new Error(`It did not come: ${wants}`))), patience)
      const waiting: Waiting = {
        wants,
        take: element => end(() => resolve(element)),
        lost: error => end(() => reject(error)),
      }
      this.#waiting.add(waiting)
    })
  }

  /** The message with that body. */
  hears(body: string, patience = PATIENCE): Promise<Element> {
    return this.next(element => element.name === 'message' && element.textOf('body') === body, patience)
  }

  /** Messages that nobody has waited for. */
  get unheard(): readonly string[] {
    return this.inbox.filter(({ name }) => name === 'message').map(message => message.textOf('body') ?? String(message))
  }

  /** The network is gone: nothing is said. */
  leave(): void {
    this.socket.destroy()
    this.#lost()
  }

  #sasl(xml: string): Promise<Element> {
    const answer = this.next(({ ns }) => ns === SASL)
    this.write(xml)
    return answer
  }

  #take(element: Element): void {
    if (['message', 'presence', 'iq'].includes(element.name)) this.taken++
    if (this.onMessage && element.name === 'message') {
      this.onMessage(element)
      return
    }
    for (const waiting of this.#waiting) {
      if (waiting.wants(element)) {
        waiting.take(element)
        return
      }
    }
    this.inbox.push(element)
  }

  #lost(): void {
    this.isOpen = false
    for (const { lost } of this.#waiting) lost(new Error('The connection broke'))
  }
}

let asked = 0
