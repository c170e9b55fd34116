import type { Element } from '@parley/xml'
import { DOMAIN } from '../stage/front.ts'
import { Client, type World } from './client.ts'
import type { Connection } from './connection.ts'
import { bodyOf, parseBody } from './reading.ts'
import type { Task } from './talker.ts'

/** Messages between two questions, whose answers say that what came before is safe. */
const BURST = 10

export interface PagerParts {
  readonly user: string
  readonly resource: string
  readonly tasks?: readonly Task[]
}

/**
 * A client without stream management: after a loss it pages the archive. What it sends is safe when the server has answered
 * a question that came behind it; what has no such answer is not sent again.
 */
export class Pager extends Client {
  readonly #parts: PagerParts
  readonly #counters = new Map<Task, number>()
  #due = 0
  #ticked = 0
  #ids = 0
  /** Messages of this session, and the question that is open. */
  #sent = 0
  #burst = 0
  #question: { readonly id: string; readonly h: number; readonly at: number } | undefined
  isSending = false

  constructor(world: World, parts: PagerParts) {
    super(world, parts.user, parts.resource)
    this.#parts = parts
  }

  get pending(): number {
    return this.isReady ? this.#burst : 1
  }

  protected async negotiate(connection: Connection): Promise<void> {
    await this.begin(connection, this.name.split('/')[1]!)
    this.#sent = 0
    this.#burst = 0
    this.#question = undefined
    await this.catchUp(this.last, (id, payload) => connection.request(`${id}-${++this.#ids}`, 'set', payload))
    connection.write('<presence/>')
    this.isReady = true
  }

  protected take(element: Element): void {
    if (element.ns !== 'jabber:client') return
    if (element.name === 'iq' && element.attrs['id'] === this.#question?.id) {
      this.say({ what: 'acked', session: this.session, h: this.#question!.h })
      this.#question = undefined
      this.#burst = 0
    } else if (element.name === 'message') {
      if (element.attrs['type'] === 'error') this.#refused(element)
      else this.readMessage(element)
    }
  }

  tick(now: number): void {
    const passed = Math.min(1, (now - this.#ticked) / 1000)
    this.#ticked = now
    const connection = this.connection
    if (!connection) return
    const waiting = this.#question && now - this.#question.at > this.world.patience
    // Whoever negotiates waits for something too.
    if (waiting || (!this.isReady && now - connection.heard > this.world.patience)) connection.destroy()
    else if (this.isReady) this.#fill(connection, passed, now)
  }

  #fill(connection: Connection, passed: number, now: number): void {
    if (this.#question) return
    const [task] = this.#parts.tasks ?? []
    if (task && this.isSending) {
      this.#due = Math.min(this.#due + task.rate * passed, BURST)
      for (; this.#due >= 1 && this.#burst < BURST; this.#due--) this.#message(task, connection)
    }
    // Asked now and then without messages too: only so does it learn of a connection that is dead.
    if (this.#burst === 0 && now - connection.heard < this.world.patience / 2) return
    const id = `safe-${++this.#ids}`
    this.#question = { id, h: this.#sent, at: now }
    connection.write(`<iq type="get" id="${id}" to="${DOMAIN}"><ping xmlns="urn:xmpp:ping"/></iq>`)
  }

  #message(task: Task, connection: Connection): void {
    const n = (this.#counters.get(task) ?? 0) + 1
    this.#counters.set(task, n)
    this.#burst++
    const to = task.to[n % task.to.length]!
    this.say({ what: 'sent', session: this.session, k: ++this.#sent, stream: task.stream, n })
    connection.write(
      `<message type="chat" to="${to}" id="${task.stream}-${n}"><body>${bodyOf(task.stream, n)}</body></message>`,
    )
  }

  #refused(element: Element): void {
    const content = parseBody(element.textOf('body'))
    if (content) this.say({ what: 'refused', ...content, why: element.child('error')?.firstElement()?.name ?? '' })
  }
}
