import type { Element } from '@parley/xml'
import { Connection } from './client.ts'

const SM = 'urn:xmpp:sm:3'
const PASSWORD = 'secret'
/** Messages that may be under way without an acknowledgement. */
const WINDOW = 24

/** What happened, for the checker. */
export class History {
  readonly acknowledged = new Set<number>()
  readonly received: number[] = []
  resumes = 0
  failures = 0
  readonly reasons: string[] = []
}

/** Sends numbered messages and sends again, after a loss, what the server has not counted. */
export class Sender {
  readonly #history: History
  readonly #user: string
  readonly #to: string
  readonly #unacked: number[] = []
  #connection: Connection | undefined
  #session: string | undefined
  #handledByServer = 0
  #next = 0
  #stopped = false

  constructor(history: History, user = 'alice', to = 'bob') {
    this.#history = history
    this.#user = user
    this.#to = to
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen ?? false
  }

  get sent(): number {
    return this.#next
  }

  get pending(): number {
    return this.#unacked.length
  }

  async connect(port: number): Promise<void> {
    const connection = await Connection.open(port)
    await connection.authenticate(this.#user, PASSWORD)
    if (this.#session !== undefined) await this.#resume(connection, this.#session)
    else await this.#begin(connection)
    this.#connection = connection
    connection.onElement = element => this.#take(element)
    this.#fill()
  }

  /** No new messages; resolves are up to the acknowledgements. */
  stop(): void {
    this.#stopped = true
    this.#connection?.send(`<r xmlns="${SM}"/>`)
  }

  ask(): void {
    this.#connection?.send(`<r xmlns="${SM}"/>`)
  }

  close(): void {
    this.#connection?.close()
  }

  async #begin(connection: Connection): Promise<void> {
    await connection.bind('sender')
    this.#session = await connection.enable()
    this.#handledByServer = 0
  }

  /** XEP-0198 §5: a resumption that fails still says how much was handled; the rest is sent again on a new session. */
  async #resume(connection: Connection, session: string): Promise<void> {
    const answer = await connection.resume(session, 0)
    if (answer.attrs['h'] !== undefined) this.#counted(Number(answer.attrs['h']))
    if (answer.name === 'resumed') this.#history.resumes++
    else {
      this.#history.failures++
      this.#history.reasons.push(`sender: ${answer}`)
      await this.#begin(connection)
    }
    for (const number of this.#unacked) connection.send(this.#message(number))
    connection.send(`<r xmlns="${SM}"/>`)
  }

  #take(element: Element): void {
    if (element.ns !== SM) return
    if (element.name === 'a') this.#counted(Number(element.attrs['h']))
    else if (element.name === 'r') this.#connection?.send(`<a xmlns="${SM}" h="0"/>`)
    this.#fill()
  }

  #counted(h: number): void {
    for (const number of this.#unacked.splice(0, h - this.#handledByServer)) this.#history.acknowledged.add(number)
    this.#handledByServer = Math.max(h, this.#handledByServer)
  }

  #fill(): void {
    if (this.#stopped || !this.#connection?.isOpen) return
    let xml = ''
    while (this.#unacked.length < WINDOW) {
      this.#unacked.push(this.#next)
      xml += this.#message(this.#next++)
    }
    if (xml !== '') this.#connection.send(`${xml}<r xmlns="${SM}"/>`)
  }

  #message(number: number): string {
    return `<message type="chat" to="${this.#to}@localhost" id="m${number}"><body>${number}</body></message>`
  }
}

/** Receives; after a loss it resumes, or pages the archive from the last message it has and then becomes available. */
export class Receiver {
  readonly #history: History
  readonly #user: string
  #connection: Connection | undefined
  #session: string | undefined
  #handled = 0
  #last: string | undefined
  readonly #ids = new Set<string>()
  /** The number of the presence among the stanzas of the session. */
  #presence = 0
  #pages = 0
  #counting = false

  constructor(history: History, user = 'bob') {
    this.#history = history
    this.#user = user
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen ?? false
  }

  async connect(port: number): Promise<void> {
    const connection = await Connection.open(port)
    this.#counting = false
    connection.onElement = element => this.#take(element)
    await connection.authenticate(this.#user, PASSWORD)
    if (this.#session === undefined || !(await this.#resumed(connection, this.#session))) await this.#begin(connection)
    this.#connection = connection
    this.#acknowledge()
  }

  close(): void {
    this.#connection?.close()
  }

  async #resumed(connection: Connection, session: string): Promise<boolean> {
    this.#counting = true
    const answer = await connection.resume(session, this.#handled)
    if (answer.name === 'resumed') this.#history.resumes++
    else {
      this.#counting = false
      this.#history.failures++
      this.#history.reasons.push(`h=${this.#handled}: ${answer}`)
    }
    // XEP-0198 §5: what the server has not handled comes again.
    if (answer.name === 'resumed' && this.#presence === Number.POSITIVE_INFINITY) await this.#catchUp(connection)
    else if (answer.name === 'resumed' && Number(answer.attrs['h']) < this.#presence) connection.send('<presence/>')
    return answer.name === 'resumed'
  }

  async #begin(connection: Connection): Promise<void> {
    await connection.bind('receiver')
    this.#handled = 0
    this.#pages = 0
    this.#session = await connection.enable()
    this.#counting = true
    this.#connection = connection
    await this.#catchUp(connection)
  }

  async #catchUp(connection: Connection): Promise<void> {
    this.#presence = Number.POSITIVE_INFINITY
    while (!(await this.#page(connection))) this.#pages++
    this.#presence = ++this.#pages + 1
    connection.send('<presence/>')
  }

  /** XEP-0313: everything since the last message that this client has seen. */
  async #page(connection: Connection): Promise<boolean> {
    const after = this.#last === undefined ? '' : `<after>${this.#last}</after>`
    const set = `<set xmlns="http://jabber.org/protocol/rsm"><max>50</max>${after}</set>`
    const answer = await connection.request(
      `page${this.#pages}`,
      'set',
      `<query xmlns="urn:xmpp:mam:2" queryid="q">${set}</query>`,
    )
    this.#handled++
    const fin = answer.child('fin', 'urn:xmpp:mam:2')
    if (!fin) throw new Error(`No page: ${answer}`)
    return fin.attrs['complete'] === 'true'
  }

  #take(element: Element): void {
    if (element.ns === SM) {
      if (element.name === 'r') this.#acknowledge()
      return
    }
    // A stream error is not counted (XEP-0198 §4).
    if (this.#counting && ['message', 'presence', 'iq'].includes(element.name)) this.#handled++
    const result = element.child('result', 'urn:xmpp:mam:2')
    if (result) {
      const forwarded = result.child('forwarded', 'urn:xmpp:forward:0')?.child('message', 'jabber:client')
      this.#read(forwarded, result.attrs['id'])
    } else this.#read(element, element.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'])
  }

  #read(message: Element | undefined, id: string | undefined): void {
    const body = message?.name === 'message' ? message.textOf('body') : undefined
    if (body === undefined) return
    this.#last = id ?? this.#last
    // After a loss the archive begins some seconds before: what is there again has the same id.
    if (id !== undefined && this.#ids.has(id)) return
    if (id !== undefined) this.#ids.add(id)
    this.#history.received.push(Number(body))
  }

  #acknowledge(): void {
    this.#connection?.send(`<a xmlns="${SM}" h="${this.#handled}"/>`)
  }
}

export interface Verdict {
  readonly acknowledged: number
  readonly lost: readonly number[]
  readonly doubled: readonly number[]
  readonly inverted: number
}

/** Reads a history: what was acknowledged and never came, what came twice, what came before an earlier one. */
export function judge({ acknowledged, received }: History): Verdict {
  const seen = new Set<number>()
  const doubled: number[] = []
  let inverted = 0
  let highest = -1
  for (const number of received) {
    if (seen.has(number)) doubled.push(number)
    else if (number < highest) inverted++
    seen.add(number)
    highest = Math.max(highest, number)
  }
  const lost = [...acknowledged].filter(number => !seen.has(number))
  return { acknowledged: acknowledged.size, lost, doubled, inverted }
}
