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
  pump,
  type Session,
} from '@parley/adapter'
import { encode, type Field, first, type Packet, PacketReader, SERVICE, STATUS } from './codec.ts'
import { answerChallenge } from './digest.ts'
import { type Ask, Editor } from './editor.ts'
import { canonical } from './id.ts'
import { messages, presences, typing } from './incoming.ts'
import { refusal, replaced } from './login.ts'
import { buzz, words } from './markup.ts'
import type { settings } from './settings.ts'
import { statusOf } from './statuses.ts'

const LOGIN_TIME = 30_000
/** Where nobody is online some servers end the login with the list. */
const LIST_TIME = 3000
/** The status of who is not seen; a login may begin with it. */
const HIDDEN = '12'
const PING_EVERY = 5 * 60_000

/** One login at Yahoo! Messenger, version 10. */
export class YahooSession implements Session {
  readonly #context: Context<typeof settings>
  readonly #editor: Editor
  readonly #answers: Answers<Packet>
  readonly #once = new Once()
  #connection: Connection | undefined
  #me = ''
  #password = ''
  #session = 0
  /** As the user was when the last session ended. */
  #hidden = false
  /** `login`: not online yet; `over`: nothing is said or done any more. */
  #phase: 'login' | 'online' | 'over' = 'login'
  #list = { groups: '', ignored: '' }
  #held: Event[] = []
  #stops: (() => void)[] = []
  #begun: { resolve(): void; reject(error: Error): void } | undefined

  constructor(context: Context<typeof settings>) {
    this.#context = context
    this.#answers = new Answers(context.clock)
    const ask: Ask = (service, id, fields) => {
      this.#ready()
      const answer = this.#answers.wait(`${service} ${id}`)
      this.#tell(service, fields)
      return answer
    }
    this.#editor = new Editor(
      context.kv,
      () => this.#me,
      ask,
      event => this.#emit([event]),
    )
  }

  async start(): Promise<void> {
    const { settings, account, secrets, kv, signal, clock } = this.#context
    const me = canonical(account?.fields['name'] ?? '')
    if (me === undefined) throw new AdapterError('credentials', 'That is no name of Yahoo! Messenger')
    this.#me = me
    this.#password = (await secrets.get('password')) ?? ''
    this.#hidden = (await kv.get('status')) === HIDDEN
    await this.#editor.load()
    signal.throwIfAborted()
    const begun = new Promise<void>((resolve, reject) => {
      this.#begun = { resolve, reject }
    })
    // Where there is no connection nobody waits for it.
    begun.catch(() => undefined)
    const connection = await this.#context.connect({ host: settings.host, port: settings.port, tls: settings.tls })
    this.#connection = connection
    if (this.#phase === 'over') {
      connection.destroy()
      throw new AdapterError('transient', 'The session was ended')
    }
    const reader = new PacketReader()
    const take = (chunk: Uint8Array) => {
      for (const packet of reader.read(chunk)) this.#take(packet)
    }
    pump(connection, take, error => this.#end(error))
    const aborted = () => this.#end(new AdapterError('transient', 'The session was ended'))
    signal.addEventListener('abort', aborted, { once: true })
    this.#stops.push(() => signal.removeEventListener('abort', aborted))
    if (signal.aborted) aborted()
    this.#after(LOGIN_TIME, () => {
      if (this.#phase === 'login')
        this.#end(new AdapterError('transient', 'Yahoo! Messenger takes too long to let us in'))
    })
    this.#stops.push(clock.every(PING_EVERY, () => this.#tell(SERVICE.ping)))
    this.#tell(SERVICE.verify)
    await begun
  }

  async stop(): Promise<void> {
    if (this.#phase !== 'over') {
      this.#tell(SERVICE.logOff)
      this.#close()
    }
    this.#answers.end(new AdapterError('transient', 'The session was ended'))
    this.#begun?.reject(new AdapterError('transient', 'The session was ended'))
    this.#connection?.stream.end()
    this.#connection?.destroy()
  }

  async ping(): Promise<void> {
    const answer = this.#answers.wait('any')
    this.#tell(SERVICE.ping)
    await answer
  }

  async setPresence(presence: Presence): Promise<void> {
    this.#ready()
    const said = statusOf(presence)
    const hidden = String(said.code) === HIDDEN
    if (hidden !== this.#hidden) await this.#context.kv.set('status', hidden ? HIDDEN : undefined)
    this.#hidden = hidden
    const fields: Field[] = [[10, String(said.code)]]
    if (said.text !== undefined) fields.push([19, said.text], [47, String(said.away ?? 0)])
    this.#tell(said.code === 0 ? SERVICE.isBack : SERVICE.isAway, fields, said.code)
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#once.run(message.key, async () => this.#say(message.to.peer, words(message.text)))
  }

  async attention(to: Place): Promise<void> {
    this.#say(to.peer, buzz)
  }

  async typing(to: Place, state: 'composing' | 'paused' | 'gone'): Promise<void> {
    this.#ready()
    const fields: Field[] = [
      [5, to.peer],
      [4, this.#me],
      [14, ' '],
      [13, state === 'composing' ? '1' : '0'],
      [49, 'TYPING'],
    ]
    this.#tell(SERVICE.notify, fields, STATUS.typing)
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

  /** Who is not refused is allowed: there is no word for it. */
  async answer(id: string, yes: boolean): Promise<void> {
    this.#ready()
    if (!yes)
      this.#tell(SERVICE.reject, [
        [1, this.#me],
        [7, id],
        [14, ''],
      ])
  }

  async block(id: string, on: boolean): Promise<void> {
    await this.#editor.block(id, on)
  }

  #say(to: string, text: string): Ack {
    this.#ready()
    const fields: Field[] = [
      [1, this.#me],
      [5, to],
      [14, text],
      [97, '1'],
      [63, ';0'],
      [64, '0'],
    ]
    this.#tell(SERVICE.message, fields, STATUS.offline)
    return { level: 'sent' }
  }

  #take(packet: Packet): void {
    if (this.#phase === 'over') return
    if (packet.session !== 0) this.#session = packet.session
    this.#answers.give('any', packet)
    this.#handlers[packet.service]?.(packet)
  }

  /** What is not here is passed over. */
  readonly #handlers: Readonly<Record<number, (packet: Packet) => void>> = {
    [SERVICE.verify]: () => {
      if (this.#phase === 'login') this.#tell(SERVICE.auth, [[1, this.#me]])
    },
    [SERVICE.auth]: packet => this.#challenged(first(packet, 94)),
    [SERVICE.authResponse]: packet => {
      if (packet.status === STATUS.failed || first(packet, 66) !== undefined) this.#end(refusal(packet))
    },
    [SERVICE.list]: packet => this.#listed(packet),
    [SERVICE.logOff]: packet => {
      if (packet.status === STATUS.failed && first(packet, 7) === undefined) this.#end(replaced())
      else this.#emit(presences(packet, true, this.#context.clock.now()))
    },
    [SERVICE.logOn]: packet => {
      this.#present(packet)
      // Our own name stands in front when the login is over.
      if (first(packet, 1) !== undefined || first(packet, 0) !== undefined) this.#online()
    },
    [SERVICE.isAway]: packet => this.#present(packet),
    [SERVICE.isBack]: packet => this.#present(packet),
    [SERVICE.idle]: packet => this.#present(packet),
    [SERVICE.userStatus]: packet => this.#present(packet),
    [SERVICE.newContact]: packet => this.#wanted(packet),
    [SERVICE.message]: packet => {
      if (packet.status === STATUS.failed) this.#notice(first(packet, 16))
      else this.#emit(messages(packet, this.#me))
    },
    [SERVICE.systemMessage]: packet => this.#notice(first(packet, 14) ?? first(packet, 16)),
    [SERVICE.notify]: packet => {
      const event = typing(packet)
      if (event) this.#emit([event])
    },
    [SERVICE.conferenceInvite]: packet => this.#decline(packet),
    [SERVICE.conferenceAddInvite]: packet => this.#decline(packet),
    [SERVICE.addBuddy]: packet => this.#changed(packet),
    [SERVICE.removeBuddy]: packet => this.#changed(packet),
    [SERVICE.ignore]: packet => this.#changed(packet),
  }

  #changed(packet: Packet): void {
    const id = canonical(first(packet, 7) ?? first(packet, 0) ?? '')
    if (id !== undefined) this.#answers.give(`${packet.service} ${id}`, packet)
  }

  #present(packet: Packet): void {
    this.#emit(presences(packet, false, this.#context.clock.now()))
  }

  #challenged(seed: string | undefined): void {
    if (this.#phase !== 'login' || seed === undefined) return
    const [six, ninetySix] = answerChallenge(this.#me, this.#password, seed)
    this.#password = ''
    const fields: Field[] = [
      [0, this.#me],
      [6, six],
      [96, ninetySix],
      [1, this.#me],
    ]
    this.#tell(SERVICE.authResponse, fields, this.#hidden ? Number(HIDDEN) : STATUS.plain)
  }

  /** The list may come in several packets. */
  #listed(packet: Packet): void {
    if (this.#phase !== 'login') return
    for (const [key, value] of packet.fields) {
      if (key === 87) this.#list.groups += value
      if (key === 88) this.#list.ignored += value
    }
    if (this.#list.groups.length + this.#list.ignored.length > 1_000_000)
      throw new AdapterError('protocol', 'The list of Yahoo! Messenger is too long')
    if (packet.status === STATUS.plain) this.#after(LIST_TIME, () => this.#online())
  }

  #online(): void {
    if (this.#phase !== 'login') return
    this.#phase = 'online'
    this.#editor.friends.readGroups(this.#list.groups)
    this.#editor.friends.readIgnored(this.#list.ignored)
    this.#list = { groups: '', ignored: '' }
    this.#context.emit({ type: 'self', id: this.#me })
    this.#context.emit({ type: 'roster', contacts: this.#editor.all() })
    this.#context.emit({ type: 'state', state: 'online' })
    const held = this.#held
    this.#held = []
    this.#emit(held)
    this.#begun?.resolve()
  }

  /** Somebody has us in the list now, is there, or will not have us in theirs. */
  #wanted(packet: Packet): void {
    const id = canonical(first(packet, 3) ?? '')
    const text = first(packet, 14)
    if (id === undefined) this.#present(packet)
    else if (packet.status !== 7) this.#emit([{ type: 'request', id, ...(text ? { text } : {}) }])
    else {
      const contact = { ...this.#editor.contact(id), subscription: 'none' } as const
      this.#emit([
        { type: 'presence', id, presence: { show: 'unavailable' } },
        { type: 'contact', contact },
      ])
      if (text) this.#notice(`${id}: ${text}`)
    }
  }

  #decline(packet: Packet): void {
    const host = canonical(first(packet, 50) ?? '')
    const room = first(packet, 57)
    if (host === undefined || room === undefined || packet.status === 2) return
    const fields: Field[] = [
      [1, this.#me],
      [3, host],
      [57, room],
      [14, 'Sorry, I cannot join conferences here.'],
    ]
    this.#tell(SERVICE.conferenceDecline, fields)
    this.#notice(
      `${host} has invited you to a conference. Conferences cannot be joined from here, and ${host} was told so.`,
    )
  }

  #notice(text: string | undefined): void {
    if (text) this.#emit([{ type: 'notice', text }])
  }

  /** What comes before the list is held until the list is there. */
  #emit(events: readonly Event[]): void {
    if (this.#phase === 'login') {
      this.#held.push(...events)
      if (this.#held.length > 20_000) throw new AdapterError('protocol', 'Too much was said before the list')
    } else for (const event of events) this.#context.emit(event)
  }

  #tell(service: number, fields: readonly Field[] = [], status: number = STATUS.plain): void {
    const packet = encode({ service, status, session: this.#session, fields })
    if (this.#phase !== 'over') this.#connection?.stream.write(packet)
  }

  #ready(): void {
    if (this.#phase !== 'online') throw new AdapterError('transient', 'Yahoo! Messenger is not connected')
  }

  #after(ms: number, run: () => void): void {
    this.#stops.push(this.#context.clock.after(ms, run))
  }

  #end(error: Error): void {
    if (this.#phase === 'over') return
    const wasOnline = this.#phase === 'online'
    this.#close()
    this.#connection?.destroy()
    this.#answers.end(error)
    if (wasOnline) this.#context.emit({ type: 'ended', error })
    else this.#begun?.reject(error)
  }

  #close(): void {
    this.#phase = 'over'
    for (const stop of this.#stops.splice(0)) stop()
  }
}
