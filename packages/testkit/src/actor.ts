import { randomUUID } from 'node:crypto'
import { Jid } from '@parley/jid'
import { NS, StanzaError } from '@parley/stanza'
import { type Element, serialize } from '@parley/xml'
import type { RawClient } from './client.ts'
import { soon } from './nodes.ts'
import { type Captures, mismatch, type Pattern, p, readStanzaXml, xmlOf } from './pattern.ts'
import type { Transcript } from './transcript.ts'

type Parts = Parameters<typeof xmlOf>[1]

/** Where an actor plays. */
interface Surroundings {
  readonly actors: readonly Actor[]
  /** Resolves when nothing is under way inside the servers. */
  settled(): Promise<void>
}

/** One of the people in a play: a session, four verbs, literal stanzas. Prints as its full JID. */
export class Actor {
  readonly jid: Jid
  readonly client: RawClient
  readonly #transcript: Transcript
  readonly #stage: Surroundings

  constructor(jid: string, client: RawClient, transcript: Transcript, stage: Surroundings) {
    this.jid = Jid.parse(jid)
    this.client = client
    this.#transcript = transcript
    this.#stage = stage
    client.onReceive = element => {
      if (!isFence(element)) transcript.received(this.name, element)
    }
  }

  get name(): string {
    return `${this.jid.local}/${this.jid.resource}`
  }

  get bare(): Jid {
    return this.jid.bare
  }

  toString(): string {
    return this.jid.text
  }

  /** Sends one stanza, or any other XML. */
  async sends(strings: TemplateStringsArray, ...parts: Parts): Promise<void> {
    await this.sendsRaw(xmlOf(strings, parts))
  }

  async sendsRaw(xml: string): Promise<void> {
    this.#transcript.sent(this.name, xml)
    this.client.write(xml)
  }

  /** The next stanza must match. */
  async receives(
    strings: TemplateStringsArray,
    ...parts: Parameters<typeof p> extends [unknown, ...infer P] ? P : never
  ): Promise<Captures> {
    return this.receivesUnordered(p(strings, ...parts))
  }

  /** The next stanzas match these patterns, in any order. */
  async receivesUnordered(...patterns: readonly Pattern[]): Promise<Captures> {
    const captures: Captures = {}
    const left = [...patterns]
    while (left.length > 0) {
      const element = await this.#next(left)
      const problems = left.map(pattern => mismatch(pattern, element, captures))
      const index = problems.indexOf(undefined)
      if (index < 0) throw this.#unexpected(element, left, problems)
      left.splice(index, 1)
    }
    return captures
  }

  /** Nothing is on its way: everybody's stanzas so far have had their effects, and none of them reached this actor. */
  async receivesNothing(): Promise<void> {
    for (const actor of this.#stage.actors) await actor.fence()
    await this.fence()
    const [element] = this.client.inbox
    if (element)
      throw this.#failure(`${this.name} should have received nothing, but got`, serialize(element, NS.client))
  }

  /** Resolves when the server has done with all that this actor sent, and the answer has come behind it. */
  async fence(): Promise<void> {
    if (this.client.closed) return
    const id = `fence-${randomUUID()}`
    const pong = this.client.expect(element => element.attrs['id'] === id)
    this.client.write(`<iq type="get" id="${id}" to="${this.jid.domain}"><ping xmlns="urn:xmpp:ping"/></iq>`)
    await pong
    // What a stanza has left behind may be under way when the next one is answered.
    for (const session of this.client.server.sessions.values()) {
      if (session.jid.equals(this.jid)) await soon(session.drained())
    }
    await this.#stage.settled()
  }

  /** Sends a request with an id of its own; gives the payload of the result, throws the StanzaError of a refusal. */
  async asks(strings: TemplateStringsArray, ...parts: Parts): Promise<Element> {
    const answer = await this.asksRaw(xmlOf(strings, parts))
    if (answer.attrs['type'] === 'error') throw StanzaError.fromElement(answer.child('error'))
    return answer.firstElement() ?? answer
  }

  /** As {@link asks}, but gives the whole answer, result or error. */
  async asksRaw(xml: string): Promise<Element> {
    const request = readStanzaXml(xml)
    const id = request.attrs['id'] ?? randomUUID()
    const answer = this.client.expect(
      element =>
        element.name === 'iq' &&
        element.attrs['id'] === id &&
        ['result', 'error'].includes(element.attrs['type'] ?? ''),
    )
    const withId = request.attrs['id'] === undefined ? xml.trim().replace(/^<iq/, `<iq id="${id}"`) : xml
    await this.sendsRaw(withId)
    const answered = await answer
    // What it changed is known to all processes by now.
    await this.#stage.settled()
    return answered
  }

  /** Drops what was received so far, after everything under way has come. */
  async settles(): Promise<void> {
    for (const actor of this.#stage.actors) await actor.fence()
    await this.fence()
    this.client.inbox.length = 0
  }

  /** The network goes away without a word. */
  async losesConnection(): Promise<void> {
    this.#transcript.note(`${this.name} loses the connection`)
    this.client.wire.cut()
    this.client.closed = true
    await this.client.server.finished()
    await this.#stage.settled()
  }

  /** Logs out in order. */
  async leaves(): Promise<void> {
    await this.sendsRaw('</stream:stream>')
    await this.client.until(() => this.client.closed, 'the end of the stream').catch(() => undefined)
    await this.client.server.finished()
    await this.#stage.settled()
  }

  /** What came and was not expected by anybody. */
  get unexpected(): readonly Element[] {
    return this.client.inbox
  }

  async #next(expected: readonly Pattern[]): Promise<Element> {
    try {
      return await this.client.next('a stanza')
    } catch {
      throw this.#failure(`${this.name} waits for`, expected.map(({ source }) => source).join('\n    '))
    }
  }

  #unexpected(element: Element, patterns: readonly Pattern[], problems: readonly (string | undefined)[]): Error {
    const wanted = patterns.map(({ source }, index) => `${source}\n      but ${problems[index]}`).join('\n    ')
    return this.#failure(
      `${this.name} received`,
      `${serialize(element, NS.client)}\n  where was expected\n    ${wanted}`,
    )
  }

  #failure(what: string, detail: string): Error {
    return new Error(`${what}\n    ${detail}\n\n${this.#transcript}`)
  }
}

function isFence(element: Element): boolean {
  return element.attrs['id']?.startsWith('fence-') ?? false
}
