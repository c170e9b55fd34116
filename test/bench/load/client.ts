import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { scramSha1 } from './scram.ts'

export const PASSWORD = 'pass'
const PATIENCE = 60_000
const FEATURES = /<(?:stream:)?features[\s\S]*?(?:<\/(?:stream:)?features>|\/>$)/
const LOCAL_ADDRESSES = 8

export interface Door {
  readonly ports: readonly number[]
  readonly domain: string
  readonly prefix: string
  readonly tls: boolean
}

interface Waiting {
  readonly pattern: RegExp
  readonly resolve: (match: RegExpExecArray) => void
  readonly reject: (error: Error) => void
}

/**
 * An XMPP client that is as cheap as can be: text is searched, not parsed. It trusts the server.
 *
 * While it logs in, answers are awaited as text; `onChunk`, once set, gets all bytes instead.
 */
export class Client {
  readonly index: number
  readonly user: string
  jid = ''
  onChunk: ((chunk: Buffer) => void) | undefined
  /** Called when the connection ends and it was not `leave` that ended it. */
  onLost: ((error: Error) => void) | undefined
  readonly #door: Door
  #socket: Socket | TLSSocket
  #text = ''
  #features = ''
  #waiting: Waiting | undefined
  #ended: Error | undefined
  #leaving = false
  #ids = 0
  #ticket: Buffer | undefined

  private constructor(door: Door, index: number, ticket: Buffer | undefined) {
    this.#door = door
    this.#ticket = ticket
    this.index = index
    this.user = `${door.prefix}${index}`
    this.#socket = connectTcp({
      host: '127.0.0.1',
      port: door.ports[index % door.ports.length]!,
      // One address has some 28,000 ports only, and those of connections that have just ended are taken.
      localAddress: `127.0.0.${1 + (index % LOCAL_ADDRESSES)}`,
      noDelay: true,
    })
    this.#attach(this.#socket)
  }

  /** Connects and, where the door says so, starts TLS; with a `ticket` it takes up the TLS session of before. */
  static async connect(door: Door, index: number, ticket?: Buffer): Promise<Client> {
    const client = new Client(door, index, ticket)
    try {
      await once(client.#socket, 'connect')
      await client.#openStream()
      if (door.tls) await client.#startTls()
    } catch (error) {
      client.drop()
      throw error
    }
    return client
  }

  /** Connects and logs in up to a bound resource, the roster and initial presence. */
  static async login(door: Door, index: number, { acknowledged = false } = {}): Promise<Client> {
    const client = await Client.connect(door, index)
    await client.authenticate()
    await client.bind()
    if (acknowledged) {
      client.write("<enable xmlns='urn:xmpp:sm:3'/>")
      await client.until(/<enabled[^>]*>/)
    }
    await client.request('get', "<query xmlns='jabber:iq:roster'/>")
    client.write('<presence/>')
    return client
  }

  get bare(): string {
    return `${this.user}@${this.#door.domain}`
  }

  /** Version and cipher, on TLS. */
  get cipher(): string | undefined {
    if (!('getCipher' in this.#socket)) return undefined
    return `${this.#socket.getProtocol()} ${this.#socket.getCipher().standardName}`
  }

  /** The newest TLS session that can be taken up. */
  get ticket(): Buffer | undefined {
    return this.#ticket
  }

  /** Whether TLS was taken up from an earlier session. */
  get reused(): boolean {
    return 'isSessionReused' in this.#socket && this.#socket.isSessionReused()
  }

  async authenticate(): Promise<void> {
    const scram = scramSha1(this.user, PASSWORD)
    this.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>${scram.first}</auth>`)
    const challenge = await this.until(/<challenge[^>]*>([^<]+)<\/challenge>|<failure[\s\S]*<\/failure>/)
    if (challenge[1] === undefined) throw new Error(`${this.user}: ${challenge[0]}`)
    this.write(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${scram.answer(challenge[1])}</response>`)
    const [outcome] = await this.until(/<success[^>]*>|<failure[\s\S]*<\/failure>/)
    if (outcome.startsWith('<failure')) throw new Error(`${this.user}: ${outcome}`)
    await this.#openStream()
  }

  async bind(): Promise<void> {
    const bound = await this.request(
      'set',
      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>load</resource></bind>",
    )
    this.jid = /<jid>([^<]+)<\/jid>/.exec(bound)![1]!
    // RFC 3921 §3: only where the server does not call it optional.
    if (/xmpp-session['"]/.test(this.#features) && !this.#features.includes('optional')) {
      await this.request('set', "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")
    }
  }

  /** Sends a request and gives its whole answer; rejects where that is an error. */
  async request(type: 'get' | 'set', payload: string, to?: string): Promise<string> {
    const id = `q${++this.#ids}`
    this.write(`<iq type='${type}' id='${id}'${to === undefined ? '' : ` to='${to}'`}>${payload}</iq>`)
    const [answer] = await this.until(new RegExp(`<iq[^>]*\\sid=['"]${id}['"][^>]*?(?:/>|>[\\s\\S]*?</iq>)`))
    if (/^<iq[^>]*type=['"]error['"]/.test(answer)) throw new Error(`${this.user}: ${answer}`)
    return answer
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  /** Waits for text that matches, and forgets everything up to its end. */
  until(pattern: RegExp, patience = PATIENCE): Promise<RegExpExecArray> {
    const match = this.#take(pattern)
    if (match) return Promise.resolve(match)
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting = undefined
        reject(new Error(`${this.user}: no ${pattern} in ${patience} ms, but ${this.#text.slice(-300)}`))
      }, patience)
      this.#waiting = {
        pattern,
        resolve: found => {
          clearTimeout(late)
          resolve(found)
        },
        reject: error => {
          clearTimeout(late)
          reject(error)
        },
      }
    })
  }

  /** Ends the stream and resolves when the connection is closed. */
  async leave(): Promise<void> {
    this.#leaving = true
    if (this.#socket.destroyed) return
    // Not `once`: that rejects on an error, and who leaves does not mind one.
    const closed = new Promise<void>(resolve => this.#socket.once('close', () => resolve()))
    this.#socket.end('</stream:stream>')
    const late = setTimeout(() => this.#socket.destroy(), 2000)
    await closed
    clearTimeout(late)
  }

  /** Cuts the connection without a word, as a lost network does. */
  drop(): void {
    this.#leaving = true
    this.#socket.destroy()
  }

  async #startTls(): Promise<void> {
    this.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await this.until(/<proceed[^>]*>/)
    const plain = this.#socket
    plain.removeAllListeners('data')
    const secure = connectTls({
      socket: plain,
      rejectUnauthorized: false,
      servername: this.#door.domain,
      ...(this.#ticket === undefined ? {} : { session: this.#ticket }),
    })
    this.#socket = secure
    secure.on('session', (ticket: Buffer) => {
      this.#ticket = ticket
    })
    this.#attach(secure)
    await once(secure, 'secureConnect')
    await this.#openStream()
  }

  async #openStream(): Promise<void> {
    this.write(
      `<?xml version='1.0'?><stream:stream to='${this.#door.domain}' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
    )
    this.#features = (await this.until(FEATURES))[0]
  }

  #attach(socket: Socket): void {
    socket.on('error', error => this.#end(error))
    socket.on('close', () => this.#end(new Error(`${this.user}: the server closed the connection`)))
    socket.on('data', (chunk: Buffer) => {
      if (this.onChunk) return this.onChunk(chunk)
      this.#text += chunk.toString('latin1')
      const waiting = this.#waiting
      const match = waiting && this.#take(waiting.pattern)
      if (!match) return
      this.#waiting = undefined
      waiting.resolve(match)
    })
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    const match = pattern.exec(this.#text)
    if (!match) return undefined
    this.#text = this.#text.slice(match.index + match[0].length)
    return match
  }

  #end(error: Error): void {
    if (this.#ended) return
    this.#ended = error
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
    if (!this.#leaving) this.onLost?.(error)
  }
}
