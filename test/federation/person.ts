import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { type Captures, mismatch, type Pattern, p, Transcript, xmlOf } from '@parley/testkit'
import { type Element, StreamParser, serialize } from '@parley/xml'
import { scramSha1 } from '../bench/load/scram.ts'
import type { Server } from './peers/peer.ts'

const PATIENCE = 20_000
const LIMITS = { maxStanzaBytes: 1_048_576, maxElements: 20_000, maxDepth: 128 }
const NS = {
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  streams: 'http://etherx.jabber.org/streams',
  info: 'http://jabber.org/protocol/disco#info',
  caps: 'http://jabber.org/protocol/caps',
  archive: 'urn:xmpp:mam:2',
  forward: 'urn:xmpp:forward:0',
  sm: 'urn:xmpp:sm:3',
}
const PASSWORD = 'wherefore'

type Parts = Parameters<typeof xmlOf>[1]
type PatternParts = Parameters<typeof p> extends [unknown, ...infer P] ? P : never

/** What of a server its users need. */
export type Home = Pick<Server, 'peer' | 'domain' | 'doors'>

export interface Role {
  /** Where it is not the first domain of the server. */
  readonly domain?: string
  /** Nodes of PEP that it wants to hear of (XEP-0163 §4.3.2). */
  readonly interests?: readonly string[]
}

/** Somebody in a play: an account of their own on a server, a session, literal stanzas. Prints as its full JID. */
export class Person {
  readonly name: string
  readonly domain: string
  readonly bare: string
  jid = ''
  readonly transcript: Transcript
  readonly #interests: readonly string[]
  readonly #socket: Socket
  readonly #parser: StreamParser
  readonly #heard: Element[] = []
  readonly #askedBy = new Set<string>()
  #features: Element | undefined
  #ended: string | undefined
  #wake: () => void = () => {}
  #ids = 0
  /** Since acknowledgements are on (XEP-0198): stanzas that came; those of ours that the server has answered for. */
  #taken: number | undefined
  #acknowledged = 0

  private constructor(server: Home, name: string, transcript: Transcript, { domain, interests = [] }: Role) {
    this.name = name
    this.domain = domain ?? server.domain
    this.bare = `${name}@${this.domain}`
    this.transcript = transcript
    this.#interests = interests
    this.#socket = connect({ host: server.doors.address, port: server.doors.client, noDelay: true })
    this.#parser = new StreamParser({
      opened: () => {},
      stanza: element => this.#take(element),
      closed: () => this.#end('the server closed the stream'),
    })
    this.#parser.setLimits(LIMITS)
    this.#socket.on('data', bytes => this.#parser.write(bytes))
    this.#socket.on('error', error => this.#end(error.message))
    this.#socket.on('close', () => this.#end('the connection is closed'))
  }

  /** Makes the account, unless it is there, and logs in; nobody knows of their presence yet. */
  static async join(server: Home, name: string, transcript = new Transcript(), role: Role = {}): Promise<Person> {
    // jabberd2 binds no resource on a stream that has made an account; and a stream that comes soon after another one on the same
    // descriptor may hear of that one's end.
    const attempts = server.peer === 'jabberd2' ? 5 : 1
    await using(
      () => new Person(server, name, transcript, role),
      newcomer => newcomer.#register(),
      attempts,
    ).then(newcomer => newcomer.leave())
    return using(
      () => new Person(server, name, transcript, role),
      person => person.#login(),
      attempts,
    )
  }

  get closed(): boolean {
    return this.#ended !== undefined
  }

  toString(): string {
    return this.jid
  }

  /** Sends one stanza. */
  sends(strings: TemplateStringsArray, ...parts: Parts): void {
    this.#say(xmlOf(strings, parts).trim())
  }

  /** Sends initial presence, with capabilities where there are interests, and waits until the server has done with it. */
  async appears(): Promise<void> {
    this.#say(`<presence>${this.#interests.length > 0 ? this.#caps() : ''}</presence>`)
    await this.asks`<iq type="get" to="${this.domain}"><ping xmlns="urn:xmpp:ping"/></iq>`
  }

  /** Waits for a stanza that matches; others may come before it, and can be asked for later. */
  async hears(strings: TemplateStringsArray, ...parts: PatternParts): Promise<Captures> {
    const pattern = p(strings, ...parts)
    const captures: Captures = {}
    await this.#find(pattern, element => mismatch(pattern, element, captures) === undefined)
    return captures
  }

  /** From now on the server answers for what this person sends, and hears what has come (XEP-0198). */
  async counts(): Promise<void> {
    this.#say(`<enable xmlns="${NS.sm}"/>`)
    await this.#until('acknowledgements', () => this.#taken !== undefined)
  }

  /** How many stanzas, of those that were sent since acknowledgements are on, the server has said to have handled. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Resolves when somebody of that domain has asked what this person's client can. */
  async isAskedBy(domain: string): Promise<void> {
    await this.#until(`a question from ${domain}`, () => this.#askedBy.has(domain))
  }

  /** What a sender has said here so far, in the order in which it came. */
  said(by: string): string[] {
    return this.#heard
      .filter(({ name, attrs }) => name === 'message' && attrs['from'] === by)
      .flatMap(message => message.child('body')?.text() ?? [])
  }

  /** The ids of messages to somebody that came back as errors so far, in the order in which they came. */
  returned(from: string): string[] {
    return this.#heard
      .filter(({ name, attrs }) => name === 'message' && attrs['type'] === 'error' && attrs['from'] === from)
      .map(({ attrs }) => attrs['id'] ?? '')
  }

  /** The bodies of the messages that an archive has sent for one query (XEP-0313 §4.2). */
  results(archive: string, query: string): string[] {
    return (
      this.#heard
        // One's own archive need not say whose it is.
        .filter(({ attrs }) => (attrs['from'] ?? this.bare) === archive)
        .flatMap(message => message.child('result', NS.archive) ?? [])
        .filter(({ attrs }) => attrs['queryid'] === query)
        .flatMap(
          found => found.child('forwarded', NS.forward)?.child('message', 'jabber:client')?.child('body')?.text() ?? [],
        )
    )
  }

  /** Waits until one of the patterns has come to its person, and gives the number of that one. */
  static async first(...waits: readonly (readonly [Person, Pattern])[]): Promise<number> {
    const end = Date.now() + PATIENCE
    for (;;) {
      for (const [index, [person, pattern]] of waits.entries()) {
        const heard = person.#heard
        const at = heard.findIndex(element => mismatch(pattern, element, {}) === undefined)
        if (at >= 0) {
          heard.splice(at, 1)
          return index
        }
      }
      if (Date.now() > end)
        waits[0]![0].#fail(`waits, but none of ${waits.map(wait => wait[1].source).join(' and ')} came`)
      await Promise.race(waits.map(([person]) => person.#something(250)))
    }
  }

  /** Sends a request with an id of its own and gives the whole answer, a result or an error. */
  async asks(strings: TemplateStringsArray, ...parts: Parts): Promise<Element> {
    const id = `${this.name}-${++this.#ids}`
    this.#say(xmlOf(strings, parts).trim().replace(/^<iq/, `<iq id="${id}"`))
    const answers = ['result', 'error']
    return this.#find(
      `the answer to ${id}`,
      ({ name, attrs }) => name === 'iq' && attrs['id'] === id && answers.includes(attrs['type']!),
    )
  }

  /** Whether something that matches has come, once the server has delivered all that it had for this person. */
  async hasHeard(pattern: Pattern): Promise<boolean> {
    await this.asks`<iq type="get" to="${this.domain}"><ping xmlns="urn:xmpp:ping"/></iq>`
    return this.#heard.some(element => mismatch(pattern, element, {}) === undefined)
  }

  leave(): void {
    this.#socket.end('</stream:stream>')
    this.#socket.destroySoon()
  }

  async #login(): Promise<void> {
    await this.#open()
    await this.#authenticate()
    this.#parser.reset()
    const features = await this.#open()
    const bound = await this.asks`<iq type="set"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`
    const binding = bound.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')
    this.jid = binding?.textOf('jid') ?? this.#fail('a resource was not bound', serialize(bound))
    // RFC 3921 §3: some servers still want it.
    if (features.child('session', 'urn:ietf:params:xml:ns:xmpp-session')) {
      await this.asks`<iq type="set"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>`
    }
    await this.asks`<iq type="get"><query xmlns="jabber:iq:roster"/></iq>`
  }

  async #register(): Promise<void> {
    await this.#open()
    const made = await this.asks`<iq type="set" to="${this.domain}"><query xmlns="jabber:iq:register">\
<username>${this.name}</username><password>${PASSWORD}</password></query></iq>`
    const taken = made.child('error')?.child('conflict', 'urn:ietf:params:xml:ns:xmpp-stanzas')
    if (made.attrs['type'] === 'error' && !taken) this.#fail('the account was not made', serialize(made))
  }

  async #authenticate(): Promise<void> {
    const offered = this.#features
      ?.child('mechanisms', NS.sasl)
      ?.elements()
      .map(mechanism => mechanism.text())
    const ends = ({ name }: Element) => ['success', 'failure'].includes(name)
    if (offered?.includes('SCRAM-SHA-1')) {
      const scram = scramSha1(this.name, PASSWORD)
      this.#say(`<auth xmlns="${NS.sasl}" mechanism="SCRAM-SHA-1">${scram.first}</auth>`)
      const challenge = await this.#find('a challenge', ({ name }) => ['challenge', 'failure'].includes(name))
      this.#say(`<response xmlns="${NS.sasl}">${scram.answer(challenge.text())}</response>`)
    } else {
      const plain = Buffer.from(`\0${this.name}\0${PASSWORD}`).toString('base64')
      this.#say(`<auth xmlns="${NS.sasl}" mechanism="PLAIN">${plain}</auth>`)
    }
    const outcome = await this.#find('the end of the login', ends)
    if (outcome.name === 'failure') this.#fail('the login failed', serialize(outcome))
  }

  async #open(): Promise<Element> {
    this.#features = undefined
    this.#socket.write(
      `<?xml version="1.0"?><stream:stream to="${this.domain}" version="1.0" xmlns="jabber:client" xmlns:stream="${NS.streams}">`,
    )
    await this.#until('stream features', () => this.#features !== undefined)
    return this.#features!
  }

  #say(xml: string): void {
    if (this.jid !== '') this.transcript.sent(this.bare, xml.length > 2000 ? `${xml.slice(0, 2000)}…` : xml)
    this.#socket.write(xml)
  }

  #take(element: Element): void {
    if (this.#taken !== undefined && element.ns === 'jabber:client') this.#taken++
    if (element.name === 'features') this.#features = element
    else if (element.ns === NS.sm && element.name !== 'failed') this.#count(element)
    else if (!this.#answers(element)) {
      if (this.jid !== '') this.transcript.received(this.bare, element)
      this.#heard.push(element)
    }
    this.#wake()
  }

  #count({ name, attrs }: Element): void {
    if (name === 'enabled') this.#taken = 0
    else if (name === 'r') this.#say(`<a xmlns="${NS.sm}" h="${this.#taken ?? 0}"/>`)
    else if (name === 'a') this.#acknowledged = Number(attrs['h'])
  }

  /** Says what it can when a server asks for the meaning of its capabilities. */
  #answers(element: Element): boolean {
    const query = element.child('query', NS.info)
    if (element.name !== 'iq' || element.attrs['type'] !== 'get' || !query) return false
    const { from = '', id = '' } = element.attrs
    this.#askedBy.add(from.replace(/^.*@|\/.*$/g, ''))
    const node = query.attrs['node'] === undefined ? '' : ` node="${query.attrs['node']}"`
    const features = this.#featureNames().map(name => `<feature var="${name}"/>`)
    this.#say(
      `<iq type="result" id="${id}" to="${from}"><query xmlns="${NS.info}"${node}><identity category="client" type="pc"/>${features.join('')}</query></iq>`,
    )
    return true
  }

  #featureNames(): string[] {
    // The last one is nobody else's: who wants to know what this client can must ask it.
    return [NS.caps, NS.info, ...this.#interests.map(node => `${node}+notify`), `urn:x-verona:${this.bare}`].sort()
  }

  /** XEP-0115 §5.1. */
  #caps(): string {
    const text = ['client/pc//', ...this.#featureNames()].map(part => `${part}<`).join('')
    const ver = createHash('sha1').update(text).digest('base64')
    return `<c xmlns="${NS.caps}" hash="sha-1" node="https://verona.test" ver="${ver}"/>`
  }

  async #find(what: string | Pattern, wanted: (element: Element) => boolean): Promise<Element> {
    let found = -1
    await this.#until(typeof what === 'string' ? what : what.source, () => {
      found = this.#heard.findIndex(wanted)
      return found >= 0
    })
    return this.#heard.splice(found, 1)[0]!
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const end = Date.now() + PATIENCE
    while (!condition()) {
      const left = end - Date.now()
      if (this.#ended !== undefined) this.#fail(`waits for ${what}, but ${this.#ended}`)
      if (left <= 0) this.#fail(`waits for ${what}`)
      await this.#something(left)
    }
  }

  /** Resolves when something has come, or the time is over. */
  #something(within: number): Promise<void> {
    return new Promise(resolve => {
      const late = setTimeout(resolve, within)
      this.#wake = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }

  #end(reason: string): void {
    this.#ended ??= reason
    this.#wake()
  }

  #fail(what: string, detail = ''): never {
    throw new Error(`${this.bare}: ${what} ${detail}\n\n${this.transcript}`)
  }
}

/** Gives a person who has done `act`; one whose stream is closed meanwhile leaves to another one, as often as `attempts` says. */
async function using(make: () => Person, act: (person: Person) => Promise<void>, attempts: number): Promise<Person> {
  const person = make()
  try {
    await act(person)
    return person
  } catch (error) {
    const { closed } = person
    person.leave()
    if (attempts === 1 || !closed) throw error
    return using(make, act, attempts - 1)
  }
}
