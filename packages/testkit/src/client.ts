import { randomUUID } from 'node:crypto'
import { NS } from '@parley/stanza'
import { type Element, el, serialize } from '@parley/xml'
import type { Server } from '@xmpp/server-core'
import { type ClientEnd, MemoryWire, type MemoryWireOptions } from './wire.ts'

/** How long something that must come may take, in milliseconds of real time. */
const PATIENCE = 15_000

/** A client at the level of elements: what it hears goes into an inbox, in order. */
export class RawClient {
  readonly inbox: Element[] = []
  readonly wire: MemoryWire
  readonly server: Server
  /** Takes elements that somebody waits for by id before they reach the inbox. */
  readonly intercept: ((element: Element) => boolean)[] = []
  onReceive: (element: Element) => void = () => {}
  header: Element | undefined
  features: Element | undefined
  closed = false
  #wake: (() => void)[] = []

  constructor(server: Server, options?: MemoryWireOptions) {
    this.server = server
    this.wire = new MemoryWire(this.#end(), options)
    if (!server.accept(this.wire)) this.closed = true
  }

  write(xml: string): void {
    this.wire.write(xml)
  }

  open(domain: string, attributes = ''): void {
    this.write(
      `<?xml version="1.0"?><stream:stream to="${domain}" version="1.0" xmlns="${NS.client}" xmlns:stream="${NS.streams}"${attributes}>`,
    )
  }

  /** Opens a stream and waits for its features. */
  async negotiate(domain: string, attributes = ''): Promise<Element> {
    this.features = undefined
    this.open(domain, attributes)
    await this.until(() => this.features !== undefined, 'stream features')
    return this.features!
  }

  /** SASL PLAIN, a new stream, and a resource. Gives the full JID. */
  async login(domain: string, user: string, password: string, resource: string): Promise<string> {
    await this.negotiate(domain)
    const plain = Buffer.from(`\0${user}\0${password}`).toString('base64')
    this.write(`<auth xmlns="${NS.sasl}" mechanism="PLAIN">${plain}</auth>`)
    const answer = await this.next('the answer to <auth/>')
    if (answer.name !== 'success') throw new Error(`Login failed: ${serialize(answer)}`)
    await this.negotiate(domain)
    const bound = await this.request(
      'set',
      serialize(el('bind', NS.bind, null, el('resource', NS.bind, null, resource))),
    )
    return bound.child('bind', NS.bind)?.textOf('jid') ?? ''
  }

  /** Sends a request and waits for its result or error, past everything else. */
  async request(type: 'get' | 'set', payload: string, to = ''): Promise<Element> {
    const id = randomUUID()
    const answer = this.expect(element => element.name === 'iq' && element.attrs['id'] === id)
    this.write(`<iq type="${type}" id="${id}"${to === '' ? '' : ` to="${to}"`}>${payload}</iq>`)
    return answer
  }

  /** The first element from now on that `wanted` says yes to; it does not reach the inbox. */
  expect(wanted: (element: Element) => boolean): Promise<Element> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('An answer did not come')), PATIENCE)
      this.intercept.push(element => {
        if (!wanted(element)) return false
        clearTimeout(timer)
        resolve(element)
        return true
      })
    })
  }

  async next(what: string): Promise<Element> {
    await this.until(() => this.inbox.length > 0, what)
    return this.inbox.shift()!
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const end = Date.now() + PATIENCE
    while (!condition()) {
      if (Date.now() >= end || (this.closed && this.inbox.length === 0)) {
        throw new Error(this.closed ? `The stream closed while waiting for ${what}` : `${what} did not come`)
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 250)
        this.#wake.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #end(): ClientEnd {
    const wake = () => {
      const waiting = this.#wake
      this.#wake = []
      for (const resume of waiting) resume()
    }
    return {
      header: header => {
        this.header = header
      },
      element: element => {
        if (element.name === 'features' && element.ns === NS.streams) this.features = element
        else this.#take(element)
        wake()
      },
      footer: wake,
      closed: () => {
        this.closed = true
        wake()
      },
    }
  }

  #take(element: Element): void {
    this.onReceive(element)
    const index = this.intercept.findIndex(take => take(element))
    if (index >= 0) this.intercept.splice(index, 1)
    else this.inbox.push(element)
  }
}
