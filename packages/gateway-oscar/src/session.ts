import { randomBytes } from 'node:crypto'
import {
  type Ack,
  AdapterError,
  Answers,
  type By,
  type Connection,
  type Context,
  type Event,
  Once,
  type Outgoing,
  type Place,
  type Presence,
  type Session,
} from '@parley/adapter'
import { Reader, short, textOf, tlv, u16, u32 } from './bytes.ts'
import { Editor } from './editor.ts'
import { failureOf } from './failures.ts'
import { readItem } from './feedbag.ts'
import type { Snac } from './flap.ts'
import { arrived, messageTo } from './icbm.ts'
import { canonical, isIcq } from './id.ts'
import { Link } from './link.ts'
import { authorize } from './login.ts'
import { negotiate, ready } from './negotiation.ts'
import { deleteWaiting, isEnd, readWaiting, waitingFor } from './offline.ts'
import type { settings } from './settings.ts'
import { awayText, INVISIBLE, presenceOf, readUser, statusOf } from './statuses.ts'
import { fromHtml, toHtml } from './text.ts'

const HTML = 'text/aolrtf; charset="utf-8"'
const TYPING = { gone: 0, paused: 1, composing: 2 } as const
const TYPED = ['gone', 'paused', 'composing'] as const
const LIST_TIME = 60_000
/** How long an acknowledgement may take, with its turn. */
const ACK_TIME = 60_000

/** One login at AIM or ICQ. */
export class OscarSession implements Session {
  readonly #context: Context<typeof settings>
  readonly #once = new Once()
  readonly #editor: Editor
  /** Acknowledgements of messages, by cookie; and which message a number was. */
  readonly #acks: Answers<void>
  readonly #cookies = new Map<number, string>()
  /** The answers that a login waits for. */
  readonly #login: Answers<Snac>
  /** The connection with the server that lets people in. */
  #first: Connection | undefined
  #link: Link | undefined
  #me = ''
  #phase: 'login' | 'online' | 'over' = 'login'
  #away: string | undefined
  #hidden = false
  #stops: (() => void)[] = []

  constructor(context: Context<typeof settings>) {
    this.#context = context
    this.#acks = new Answers(context.clock)
    this.#login = new Answers(context.clock)
    this.#editor = new Editor(
      () => this.#server(),
      event => this.#emit(event),
    )
  }

  async start(): Promise<void> {
    const { account, signal } = this.#context
    const name = account?.fields['name'] ?? ''
    const me = canonical(name)
    if (me === undefined) throw new AdapterError('credentials', 'That is no name of AIM, and no number of ICQ')
    this.#me = me
    const aborted = () => this.#end(new AdapterError('transient', 'The session was ended'))
    signal.addEventListener('abort', aborted, { once: true })
    this.#stops.push(() => signal.removeEventListener('abort', aborted))
    if (signal.aborted) aborted()
    try {
      await this.#enter()
    } catch (error) {
      this.#close(error as Error)
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#close(new AdapterError('transient', 'The session was ended'))
  }

  async ping(): Promise<void> {
    await this.#server().ask(0x01, 0x0e)
  }

  async setPresence(presence: Presence): Promise<void> {
    const link = this.#server()
    const status = statusOf(presence)
    const hidden = status === INVISIBLE
    if (hidden !== this.#hidden) await this.#context.kv.set('status', hidden ? 'hidden' : undefined)
    this.#hidden = hidden
    link.tell(0x01, 0x1e, tlv(0x06, u32(status)))
    const away = isIcq(this.#me) ? undefined : awayText(presence)
    if (away !== this.#away) link.tell(0x02, 0x04, tlv(0x03, HTML), tlv(0x04, toHtml(away ?? '')))
    this.#away = away
    const idle = presence.idleSince === undefined ? 0 : (this.#context.clock.now() - presence.idleSince) / 1000
    link.tell(0x01, 0x11, u32(Math.max(0, Math.min(0xffffffff, Math.round(idle)))))
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#once.run(message.key, async () => {
      const cookie = randomBytes(8)
      const id = cookie.toString('hex')
      const acknowledged = this.#acks.wait(id, ACK_TIME)
      acknowledged.catch(() => undefined)
      const number = this.#server().tell(0x04, 0x06, messageTo(message.to.peer, cookie, message.text))
      this.#cookies.set(number, id)
      await acknowledged.finally(() => this.#cookies.delete(number))
      return { id, level: 'sent' }
    })
  }

  async typing(to: Place, state: 'composing' | 'paused' | 'gone'): Promise<void> {
    this.#server().tell(0x04, 0x14, Buffer.alloc(8), u16(1), short(to.peer), u16(TYPING[state]))
  }

  async addContact(
    id: string,
    { name, groups, text }: { readonly name?: string; readonly groups?: readonly string[]; readonly text?: string },
    by: By,
  ): Promise<void> {
    await this.#once.run(by.key, () => this.#editor.add(id, name ?? '', groups ?? [], text ?? ''))
  }

  async removeContact(id: string): Promise<void> {
    await this.#editor.remove(id)
  }

  async renameContact(id: string, name: string): Promise<void> {
    await this.#editor.rename(id, name)
  }

  async regroupContact(id: string, groups: readonly string[]): Promise<void> {
    await this.#editor.regroup(id, groups)
  }

  async answer(id: string, yes: boolean): Promise<void> {
    this.#editor.answer(id, yes)
  }

  async block(id: string, on: boolean): Promise<void> {
    await this.#editor.block(id, on)
  }

  async #enter(): Promise<void> {
    const { settings, secrets, kv, clock } = this.#context
    const context = this.#context as unknown as Context
    const { host, port, tls } = settings
    const password = (await secrets.get('password')) ?? ''
    const connection = await context.connect({ host, port, tls })
    this.#first = connection
    const next = await authorize(context, connection, { port }, this.#me, password)
    const bos = await context.connect({ host: next.host, port: next.port, tls })
    if (this.#phase === 'over') {
      bos.destroy()
      throw new AdapterError('transient', 'The session was ended')
    }
    const offer = this.#login.wait('families', LIST_TIME)
    const link = new Link(bos, clock, {
      hello: () => link.greet(tlv(0x06, next.cookie)),
      snac: snac => this.#heard(snac),
      ended: error => this.#end(error),
    })
    this.#link = link
    const families = await negotiate(link, await offer)
    const list = this.#login.wait('list', LIST_TIME)
    link.tell(0x13, 0x04)
    await list
    link.tell(0x13, 0x07)
    // Who was not to be seen stays so.
    this.#hidden = (await kv.get('status')) === 'hidden'
    if (isIcq(this.#me) || this.#hidden) link.tell(0x01, 0x1e, tlv(0x06, u32(this.#hidden ? INVISIBLE : 0)))
    ready(link, families)
    this.#begin()
    if (isIcq(this.#me) && families.has(0x15)) link.tell(0x15, 0x02, waitingFor(this.#me))
  }

  #begin(): void {
    if (this.#phase === 'over') throw new AdapterError('transient', 'The session was ended')
    this.#phase = 'online'
    this.#emit({ type: 'self', id: this.#me })
    this.#emit({ type: 'roster', contacts: this.#editor.feedbag.all() })
    this.#emit({ type: 'state', state: 'online' })
  }

  #heard(snac: Snac): void {
    if (this.#phase !== 'over') this.#handlers[snac.family * 0x100 + snac.subtype]?.(snac)
  }

  readonly #handlers: Readonly<Record<number, (snac: Snac) => void>> = {
    [0x0103]: snac => this.#login.give('families', snac),
    [0x010a]: ({ data }) => this.#link?.rates.changed(data),
    [0x0206]: ({ data }) => this.#awayTextOf(data),
    [0x030b]: ({ data }) => this.#arrivals(data),
    [0x030c]: ({ data }) => this.#departures(data),
    [0x0401]: ({ id, data }) => this.#acks.refuse(this.#cookies.get(id) ?? '', failureOf(data)),
    [0x0407]: ({ data }) => this.#message(data),
    [0x040c]: ({ data }) => this.#acks.give(new Reader(data).take(8).toString('hex'), undefined),
    [0x0414]: ({ data }) => this.#typed(data),
    [0x1306]: snac => this.#listed(snac),
    [0x1308]: ({ data }) => this.#editor.changed(0x08, data),
    [0x1309]: ({ data }) => this.#editor.changed(0x09, data),
    [0x130a]: ({ data }) => this.#editor.changed(0x0a, data),
    [0x1319]: ({ data }) => this.#request(data),
    [0x131b]: ({ data }) => this.#answered(data),
    [0x1503]: ({ data }) => this.#waited(data),
  }

  /** The list may come in several parts. */
  #listed(snac: Snac): void {
    const reader = new Reader(snac.data)
    reader.byte()
    for (let left = reader.word(); left > 0; left--) this.#editor.feedbag.set(readItem(reader))
    if (!snac.more) this.#login.give('list', snac)
  }

  #arrivals(data: Buffer): void {
    const reader = new Reader(data)
    while (reader.left > 0) {
      const user = readUser(reader)
      if (user.id === undefined || user.id === this.#me) continue
      const presence = presenceOf(user, this.#context.clock.now())
      this.#emit({ type: 'presence', id: user.id, presence })
      // AIM shows that somebody is away; the words are to be asked for.
      if (!isIcq(user.id) && presence.show === 'away') this.#link?.tell(0x02, 0x05, u16(3), short(user.id))
    }
  }

  #departures(data: Buffer): void {
    const reader = new Reader(data)
    while (reader.left > 0) {
      const { id } = readUser(reader)
      if (id !== undefined && id !== this.#me) this.#emit({ type: 'presence', id, presence: { show: 'unavailable' } })
    }
  }

  #awayTextOf(data: Buffer): void {
    const reader = new Reader(data)
    const user = readUser(reader)
    const text = fromHtml(textOf(reader.tlvs().get(0x04) ?? Buffer.alloc(0))).trim()
    const presence = presenceOf(user, this.#context.clock.now())
    if (user.id !== undefined && text !== '' && presence.show === 'away')
      this.#emit({ type: 'presence', id: user.id, presence: { ...presence, text } })
  }

  #message(data: Buffer): void {
    const came = arrived(data, this.#me)
    if (came?.kind === 'message') this.#emit({ type: 'message', ...came.heard })
    if (came?.kind === 'request')
      this.#emit({ type: 'request', id: came.id, ...(came.text ? { text: came.text } : {}) })
    if (came?.kind === 'offer')
      this.#emit({
        type: 'notice',
        text: `${came.id} has offered a file, a picture or a conference. That cannot be taken here.`,
      })
  }

  #typed(data: Buffer): void {
    const reader = new Reader(data)
    reader.take(10)
    const peer = canonical(reader.short())
    const state = TYPED[reader.word()]
    if (peer !== undefined && state !== undefined) this.#emit({ type: 'typing', peer, state })
  }

  #request(data: Buffer): void {
    const reader = new Reader(data)
    const id = canonical(reader.short())
    const text = textOf(reader.take(reader.word()))
    if (id !== undefined) this.#emit({ type: 'request', id, ...(text ? { text } : {}) })
  }

  #answered(data: Buffer): void {
    const reader = new Reader(data)
    const id = canonical(reader.short())
    const yes = reader.byte() === 1
    if (id === undefined || this.#editor.feedbag.buddies(id).length === 0) return
    this.#editor.answered(id, yes).catch((error: Error) => {
      this.#context.log.info('The list could not be changed after an authorization', { reason: error.message })
    })
  }

  #waited(data: Buffer): void {
    const heard = readWaiting(data)
    if (heard) this.#emit({ type: 'message', ...heard })
    // The server keeps them until it is told that they have come.
    if (isEnd(data)) this.#link?.tell(0x15, 0x02, deleteWaiting(this.#me))
  }

  #emit(event: Event): void {
    if (this.#phase === 'online') this.#context.emit(event)
  }

  #server(): Link {
    if (!this.#link || this.#phase !== 'online') throw new AdapterError('transient', 'AIM or ICQ is not connected')
    return this.#link
  }

  #end(error: Error): void {
    if (this.#phase === 'over') return
    this.#emit({ type: 'ended', error })
    this.#close(error)
  }

  #close(error: Error): void {
    this.#phase = 'over'
    for (const stop of this.#stops.splice(0)) stop()
    this.#login.end(error)
    this.#acks.end(error)
    this.#first?.destroy()
    this.#link?.close(error)
  }
}
