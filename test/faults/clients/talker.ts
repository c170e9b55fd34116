import type { Element } from '@parley/xml'
import { pause } from '../stage/child.ts'
import { Client, type World } from './client.ts'
import type { Connection } from './connection.ts'
import { bodyOf, parseBody } from './reading.ts'

const SM = 'urn:xmpp:sm:3'
/** What stands for the id of an answer that is presence. */
const PRESENCE = 'presence'
const PING = '<ping xmlns="urn:xmpp:ping"/>'
/** Messages that may be under way without an acknowledgement. */
const WINDOW = 64
const ASK = 1000
const POLL = 50
/** Unless asked, a client says this often what it has taken (stanzas). */
const ACKNOWLEDGE = 5

/** A stream of messages that a client sends: to each of the addresses in turn. */
export interface Task {
  readonly stream: string
  readonly to: readonly string[]
  /** Messages a second. */
  readonly rate: number
  /** Bytes that each message has beyond its text. */
  readonly padding?: number
}

export interface TalkerParts {
  readonly user: string
  readonly resource: string
  readonly tasks?: readonly Task[]
  readonly carbons?: boolean
  /** Addresses that are asked something (XEP-0199), the server itself always. */
  readonly peers?: readonly string[]
  /** Never says what it has taken. */
  readonly mute?: boolean
  /** One of very many: not available, asks nothing, and pages no archive. */
  readonly idle?: boolean
}

interface Unacked {
  readonly k: number
  readonly xml: string
  readonly message: { readonly stream: string; readonly n: number } | undefined
}

/** A client with stream management (XEP-0198): sends numbered messages, and after a loss resumes on another front end. */
export class Talker extends Client {
  readonly #parts: TalkerParts
  readonly #counters = new Map<Task, number>()
  readonly #due = new Map<Task, number>()
  #unacked: Unacked[] = []
  #smId: string | undefined
  /** Stanzas sent and taken in this session. */
  #sent = 0
  #taken = 0
  #said = 0
  #counting = false
  /** Whether what is sent is counted. */
  #counted = false
  #settling: Promise<void> | undefined
  /** Who waits for answers in this session. */
  readonly #requests = new Map<string, { take(answer: Element): void; fail(error: Error): void }>()
  #askedAt = 0
  #ids = 0
  #checked = 0
  readonly #questions = new Set<string>()
  /** Messages of an ended session: to be sent again on the next. */
  #again: NonNullable<Unacked['message']>[] = []
  isSending = false
  #ticked = 0

  constructor(world: World, parts: TalkerParts) {
    super(world, parts.user, parts.resource)
    this.#parts = parts
  }

  /** What it has sent and heard no more of. */
  get pending(): number {
    return this.#unacked.length + this.#again.length
  }

  /** Resolves when all that it has sent is answered for. */
  async settled(): Promise<void> {
    while (!this.isReady || this.pending > 0) await pause(POLL)
  }

  get unanswered(): number {
    return this.#questions.size
  }

  sentOf(task: Task): number {
    return this.#counters.get(task) ?? 0
  }

  protected async negotiate(connection: Connection): Promise<void> {
    this.#counting = false
    this.#counted = false
    if (this.#smId === undefined || !(await this.#resume(connection, this.#smId))) await this.#enable(connection)
    // A session that is resumed before it is ready has its answers still to come.
    await this.#settling
    if (!connection.isOpen) throw new Error('The connection is gone')
    this.isReady = true
    for (const message of this.#again.splice(0)) this.#sendMessage(message.stream, message.n)
  }

  async #enable(connection: Connection): Promise<void> {
    await this.begin(connection, this.name.split('/')[1]!)
    this.#sent = 0
    this.#taken = 0
    this.#said = 0
    connection.write(`<enable xmlns="${SM}" resume="true"/>`)
    this.#counted = true
    const answer = await connection.next(({ ns }) => ns === SM)
    if (answer.name !== 'enabled') throw new Error(`Not enabled: ${answer}`)
    this.#smId = answer.attrs['id']
    this.#settling = this.#settle()
    this.#settling.catch(() => {})
  }

  /** Once for each session: it goes on when the session is resumed. */
  async #settle(): Promise<void> {
    if (this.#parts.idle) return
    const start = this.last
    const page = () => this.catchUp(start, (id, payload) => this.#request(id, payload))
    const { carbons } = this.#parts
    if (carbons) await this.#request('carbons', '<enable xmlns="urn:xmpp:carbons:2"/>')
    else await page()
    await this.#appear()
    // What the account's other clients take before this one is there is in the archive alone.
    if (carbons) await page()
  }

  /** RFC 6121 §4.2.2: a client hears its own presence; from then on it gets what comes. */
  #appear(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requests.set(PRESENCE, { take: () => resolve(), fail: reject })
      this.#send('<presence/>')
    })
  }

  /** False: the session is gone, and a new one may be bound. */
  async #resume(connection: Connection, previd: string): Promise<boolean> {
    const asked = performance.now()
    connection.write(`<resume xmlns="${SM}" previd="${previd}" h="${this.#taken}"/>`)
    const late = setTimeout(() => connection.destroy(), this.world.patience)
    try {
      const answer = await connection.next(({ ns, name }) => ns === SM && (name === 'resumed' || name === 'failed'))
      if (answer.name === 'resumed') return true
      this.#failed(answer, performance.now() - asked)
      return false
    } finally {
      clearTimeout(late)
    }
  }

  /** Everything that counts is done as it is read: what stands behind it may be in the same chunk. */
  protected take(element: Element, connection: Connection): void {
    if (element.ns === SM) {
      if (element.name === 'enabled') this.#counting = true
      else if (element.name === 'resumed') this.#resumed(Number(element.attrs['h']), connection)
      else if (element.name === 'a') this.#acked(Number(element.attrs['h']))
      else if (element.name === 'r') this.#acknowledge()
      return
    }
    if (element.ns !== 'jabber:client') return
    if (this.#counting) this.#taken++
    if (element.name === 'message') {
      if (element.attrs['type'] === 'error') this.#refused(element)
      else this.readMessage(element)
    } else if (element.name === 'iq') this.#iq(element, connection)
    else if (element.name === 'presence') this.#presence(element)
    if (this.#taken - this.#said >= ACKNOWLEDGE) this.#acknowledge()
  }

  protected presence(_element: Element): void {}

  #presence(element: Element): void {
    if (element.attrs['from'] === this.name && element.attrs['type'] === undefined) {
      this.#requests.get(PRESENCE)?.take(element)
      this.#requests.delete(PRESENCE)
    } else this.presence(element)
  }

  tick(now: number): void {
    const connection = this.connection
    const passed = Math.min(1, (now - this.#ticked) / 1000)
    this.#ticked = now
    if (!connection) return
    const silent = now - connection.heard
    if (silent > this.world.patience && !this.#parts.idle) {
      connection.destroy()
      return
    }
    if (!this.isReady) return
    if (this.isSending) for (const task of this.#parts.tasks ?? []) this.#fill(task, passed)
    if (now - this.#checked > ASK / 2 && (!this.#parts.idle || this.pending > 0)) {
      this.#checked = now
      // The answer is a sign of life too.
      connection.write(`<r xmlns="${SM}"/>`)
    }
    if (this.isSending && !this.#parts.idle && now - this.#askedAt > ASK) this.#ask(now)
  }

  /** The next message of a task, now. */
  sendOne(task: Task): void {
    const n = this.sentOf(task) + 1
    this.#counters.set(task, n)
    this.#sendMessage(task.stream, n)
  }

  #fill(task: Task, passed: number): void {
    let due = Math.min((this.#due.get(task) ?? 0) + task.rate * passed, WINDOW)
    for (; due >= 1 && this.#unacked.length < WINDOW; due--) this.sendOne(task)
    this.#due.set(task, due)
  }

  #sendMessage(stream: string, n: number): void {
    const task = this.#parts.tasks!.find(each => each.stream === stream)!
    const to = task.to[n % task.to.length]!
    const body = `<body>${bodyOf(stream, n)}</body>`
    const padding = task.padding ? `<padding xmlns="urn:example:padding">${'.'.repeat(task.padding)}</padding>` : ''
    this.#send(`<message type="chat" to="${to}" id="${stream}-${n}">${body}${padding}</message>`, { stream, n })
  }

  #send(xml: string, message?: Unacked['message']): void {
    const k = ++this.#sent
    this.#unacked.push({ k, xml, message })
    if (message) this.say({ what: 'sent', session: this.session, k, ...message })
    this.connection?.write(xml)
  }

  /** Resolves with the answer, on whatever connection it comes; rejects when the session is gone. */
  #request(name: string, payload: string): Promise<Element> {
    const id = `${name}-${++this.#ids}`
    const answered = new Promise<Element>((take, fail) => this.#requests.set(id, { take, fail }))
    this.#send(`<iq type="set" id="${id}">${payload}</iq>`)
    return answered
  }

  #ask(now: number): void {
    this.#askedAt = now
    const all = [this.world.domain, ...(this.#parts.peers ?? [])]
    const id = `ask-${++this.#ids}`
    this.#questions.add(id)
    this.say({ what: 'asked', session: this.session, id })
    this.#send(`<iq type="get" id="${id}" to="${all[this.#ids % all.length]}">${PING}</iq>`)
  }

  #iq(element: Element, connection: Connection): void {
    const { type, id = '', from } = element.attrs
    if (type === 'get' && from) {
      const answer = `<iq type="result" id="${id}" to="${from}"/>`
      // What follows `<enable/>` counts, answered or not (XEP-0198 §4); before it nothing does.
      if (this.#counted) this.#unacked.push({ k: ++this.#sent, xml: answer, message: undefined })
      connection.write(answer)
      return
    }
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    if (type === 'result') request?.take(element)
    else request?.fail(new Error(`Refused: ${element}`))
    if (!id.startsWith('ask-')) return
    this.#questions.delete(id)
    this.say({ what: 'answered', session: this.session, id })
  }

  #refused(element: Element): void {
    const content = parseBody(element.textOf('body')) ?? parseId(element.attrs['id'])
    const why = element.child('error')?.firstElement()?.name ?? ''
    if (content) this.say({ what: 'refused', ...content, why })
  }

  #acked(h: number): void {
    this.say({ what: 'acked', session: this.session, h })
    while (this.#unacked[0] && this.#unacked[0].k <= h) this.#unacked.shift()
  }

  #acknowledge(): void {
    if (this.#parts.mute || !this.#counting) return
    this.#said = this.#taken
    this.connection?.write(`<a xmlns="${SM}" h="${this.#taken}"/>`)
  }

  /** XEP-0198 §5: what the server has not counted is sent again, in its order. */
  #resumed(h: number, connection: Connection): void {
    this.#counting = true
    this.#counted = true
    const took = this.world.recorder.now() - (this.lostAt ?? this.world.recorder.now())
    this.say({ what: 'resumed', session: this.session, took, h })
    this.#acked(h)
    for (const { xml } of this.#unacked) connection.write(xml)
  }

  /** A failure may say how much was handled: the rest is for the next session. Questions die with theirs. */
  #failed(answer: Element, took: number): void {
    const text = answer.attrs['h']
    const h = text === undefined ? undefined : Number(text)
    this.say({ what: 'failed', session: this.session, took, h })
    if (h !== undefined) this.#acked(h)
    for (const { message } of this.#unacked) if (message) this.#again.push(message)
    this.#unacked = []
    this.#questions.clear()
    for (const { fail } of this.#requests.values()) fail(new Error('The session is gone'))
    this.#requests.clear()
    this.#smId = undefined
  }
}

function parseId(id = ''): { readonly stream: string; readonly n: number } | undefined {
  const [, stream, n] = /^(.+)-(\d+)$/.exec(id) ?? []
  return stream === undefined ? undefined : { stream, n: Number(n) }
}
