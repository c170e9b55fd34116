import {
  type Ack,
  AdapterError,
  type By,
  type Context,
  type Event,
  Once,
  type Outgoing,
  type Place as Peer,
  type Presence,
  type Session,
} from '@parley/adapter'
import { answerChallenge, PRODUCT } from './challenge.ts'
import { type Command, unquote } from './codec.ts'
import { Directory } from './directory.ts'
import { canonical } from './id.ts'
import { Link } from './link.ts'
import { buyTicket } from './passport.ts'
import { hostPort, placeOf } from './place.ts'
import type { settings } from './settings.ts'
import { personalData, personalMessage, presenceOf, statusOf } from './statuses.ts'
import { notOnline, Talk } from './talk.ts'

const PROTOCOL = 'MSNP12'
const VERSION = '7.5.0324'
const HOPS = 3
const LIST_TIME = 60_000
const PING_EVERY = 45_000

/** One login at Windows Live Messenger, by MSNP12. */
export class MessengerSession implements Session {
  readonly #context: Context<typeof settings>
  readonly #once = new Once()
  readonly #directory: Directory
  /** What each contact shows: a status, and a message. */
  readonly #shown = new Map<string, { code: string; text: string }>()
  #link: Link | undefined
  #talk: Talk | undefined
  #me = ''
  #status = 'NLN'
  #text = ''
  #phase: 'login' | 'online' | 'over' = 'login'
  #listed: { left: number; done(): void; failed(error: Error): void } | undefined
  #stops: (() => void)[] = []
  #pings: { resolve(): void; reject(error: Error): void }[] = []

  constructor(context: Context<typeof settings>) {
    this.#context = context
    this.#directory = new Directory(
      () => this.#server(),
      event => this.#emit(event),
    )
  }

  async start(): Promise<void> {
    const { settings, account, kv, signal, clock } = this.#context
    const me = canonical(account?.fields['address'] ?? '')
    if (me === undefined) throw new AdapterError('credentials', 'That is no address of Messenger')
    this.#me = me
    const aborted = () => this.#end(new AdapterError('transient', 'The session was ended'))
    signal.addEventListener('abort', aborted, { once: true })
    this.#stops.push(() => signal.removeEventListener('abort', aborted))
    if (signal.aborted) aborted()
    try {
      await this.#enter(settings.host, settings.port, 0)
      await this.#synchronize()
      // Who was not to be seen stays so. Contacts show themselves to who has a status.
      this.#status = (await kv.get('status')) ?? 'NLN'
      await this.#server().ask('CHG', [this.#status, 0])
      this.#stops.push(clock.every(PING_EVERY, () => this.#link?.tell('PNG')))
      this.#begin()
    } catch (error) {
      this.#close(error as Error)
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#link?.tell('OUT')
    this.#close(new AdapterError('transient', 'The session was ended'))
  }

  async ping(): Promise<void> {
    const server = this.#server()
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#context.clock.after(20_000, () => reject(notOnline()))
      const settle = (done: () => void) => {
        cancel()
        done()
      }
      this.#pings.push({ resolve: () => settle(resolve), reject: error => settle(() => reject(error)) })
      server.tell('PNG')
    })
  }

  async setPresence(presence: Presence): Promise<void> {
    const server = this.#server()
    const code = statusOf(presence)
    if (code !== this.#status) await server.ask('CHG', [code, 0])
    if ((code === 'HDN') !== (this.#status === 'HDN'))
      await this.#context.kv.set('status', code === 'HDN' ? code : undefined)
    this.#status = code
    const text = presence.text ?? ''
    if (text === this.#text) return
    this.#text = text
    await server.ask('UUX', [], { payload: personalData(text) })
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#once.run(message.key, () => this.#talking().say(message.to.peer, message.text))
  }

  async typing(to: Peer, state: 'composing' | 'paused' | 'gone'): Promise<void> {
    await this.#talking().typing(to.peer, state === 'composing')
  }

  async attention(to: Peer): Promise<void> {
    await this.#talking().nudge(to.peer)
  }

  async addContact(
    id: string,
    { name, groups }: { readonly name?: string; readonly groups?: readonly string[] },
    by: By,
  ) {
    await this.#once.run(by.key, () => this.#directory.add(id, name ?? '', groups ?? []))
  }

  async removeContact(id: string): Promise<void> {
    await this.#directory.remove(id)
  }

  async renameContact(id: string, name: string): Promise<void> {
    await this.#directory.rename(id, name)
  }

  async regroupContact(id: string, groups: readonly string[]): Promise<void> {
    await this.#directory.regroup(id, groups)
  }

  async answer(id: string, yes: boolean): Promise<void> {
    await this.#directory.allow(id, yes)
  }

  async block(id: string, on: boolean): Promise<void> {
    await this.#directory.allow(id, !on)
  }

  /** The server may send us to another one. */
  async #enter(host: string, port: number, hop: number): Promise<void> {
    const { settings, secrets, clock } = this.#context
    const connection = await this.#context.connect({ host, port, tls: settings.tls })
    if (this.#phase === 'over') {
      connection.destroy()
      throw notOnline()
    }
    const link = new Link(connection, clock, {
      heard: command => this.#heard(command),
      ended: error => this.#end(error),
    })
    this.#link = link
    const { args: version } = await link.ask('VER', [PROTOCOL, 'CVR0'])
    if (version[1] !== PROTOCOL)
      throw new AdapterError('protocol', `The server of Messenger does not speak ${PROTOCOL}`)
    await link.ask('CVR', ['0x0409', 'winnt', '5.1', 'i386', 'MSNMSGR', VERSION, 'msmsgs', this.#me])
    const asked = await link.ask('USR', ['TWN', 'I', this.#me], { also: ['XFR'] })
    if (asked.name === 'XFR') {
      if (hop >= HOPS) throw new AdapterError('transient', 'The servers of Messenger send us round in circles')
      link.close(notOnline())
      const next = hostPort(asked.args[2])
      await this.#enter(next.host, next.port, hop + 1)
      return
    }
    const password = (await secrets.get('password')) ?? ''
    const fetch: Context['fetch'] = request => this.#context.fetch(request)
    const ticket = await buyTicket(fetch, settings.nexus, this.#me, password, asked.args[3] ?? '')
    await link.ask('USR', ['TWN', 'S', ticket])
  }

  /** Resolves when as many contacts have come as the server has said. */
  async #synchronize(): Promise<void> {
    const listed = new Promise<void>((resolve, reject) => {
      this.#listed = { left: Number.POSITIVE_INFINITY, done: resolve, failed: reject }
    })
    listed.catch(() => undefined)
    const late = () => this.#listed?.failed(new AdapterError('transient', 'The list of Messenger does not come'))
    const cancel = this.#context.clock.after(LIST_TIME, late)
    try {
      // Its answer is heard like the list, in one turn with it.
      const server = this.#server()
      server.tell('SYN', [server.number(), '0', '0'])
      await listed
    } finally {
      cancel()
    }
  }

  #begin(): void {
    if (this.#phase === 'over') throw notOnline()
    this.#phase = 'online'
    const context = this.#context as unknown as Context
    this.#talk = new Talk(
      context,
      this.#me,
      event => this.#emit(event),
      async () => {
        const { args } = await this.#server().ask('XFR', ['SB'])
        return placeOf(context, this.#me, args[2], args[4])
      },
    )
    this.#emit({ type: 'self', id: this.#me })
    this.#emit({ type: 'roster', contacts: this.#directory.lists.all() })
    this.#emit({ type: 'state', state: 'online' })
    for (const id of this.#shown.keys()) this.#show(id)
    this.#directory.requests()
  }

  #heard(command: Command): void {
    if (this.#phase === 'over') return
    this.#handlers[command.name]?.(command)
  }

  readonly #handlers: Readonly<Record<string, (command: Command) => void>> = {
    LSG: ({ args }) => this.#directory.lists.group(args[1] ?? '', unquote(args[0] ?? '')),
    LST: ({ args }) => {
      this.#directory.lists.read(args)
      this.#count(1)
    },
    SYN: ({ args }) => this.#total(args),
    ADC: command => this.#directory.added(command),
    REM: command => this.#directory.removed(command),
    ILN: ({ args }) => this.#seen(args[2], args[1]),
    NLN: ({ args }) => this.#seen(args[1], args[0]),
    FLN: ({ args }) => this.#seen(args[0], 'FLN'),
    UBX: ({ args, payload }) => this.#seen(args[0], undefined, payload ? personalMessage(payload) : ''),
    CHL: ({ args }) => {
      const link = this.#server()
      link.tell('QRY', [link.number(), PRODUCT], answerChallenge(args[1] ?? ''))
    },
    QNG: () => this.#pings.shift()?.resolve(),
    RNG: ({ args }) => this.#talk?.rung(args),
    OUT: ({ args }) => {
      const replaced = new AdapterError('replaced', 'The account at Messenger is in use with another program')
      this.#end(args[0] === 'OTH' ? replaced : new AdapterError('transient', 'The server of Messenger shuts down'))
    },
  }

  /** `SYN 5 time time 12 3`: how many contacts and groups follow. */
  #total(args: readonly string[]): void {
    const total = Number(args[3] ?? 0)
    if (!(total >= 0 && total <= 10_000)) throw new AdapterError('protocol', 'The list of Messenger is too long')
    if (this.#listed) this.#listed.left = total
    this.#count(0)
  }

  #count(more: number): void {
    if (!this.#listed) return
    this.#listed.left -= more
    if (this.#listed.left <= 0) this.#listed.done()
  }

  #seen(address: string | undefined, code: string | undefined, text?: string): void {
    const id = canonical(address ?? '')
    if (id === undefined || id === this.#me) return
    const shown = this.#shown.get(id) ?? { code: 'FLN', text: '' }
    if (!this.#shown.has(id) && this.#shown.size >= 10_000) return
    this.#shown.set(id, { code: code ?? shown.code, text: text ?? shown.text })
    // A message of somebody who is away for good is of no interest.
    if (code !== undefined || shown.code !== 'FLN') this.#show(id)
  }

  #show(id: string): void {
    const { code, text } = this.#shown.get(id) ?? { code: 'FLN', text: '' }
    if (this.#phase === 'online') this.#emit({ type: 'presence', id, presence: presenceOf(code, text) })
  }

  #emit(event: Event): void {
    if (this.#phase === 'online') this.#context.emit(event)
  }

  #server(): Link {
    if (!this.#link || this.#phase === 'over') throw notOnline()
    return this.#link
  }

  #talking(): Talk {
    if (!this.#talk || this.#phase !== 'online') throw notOnline()
    return this.#talk
  }

  #end(error: Error): void {
    if (this.#phase === 'over') return
    this.#emit({ type: 'ended', error })
    this.#close(error)
  }

  #close(error: Error): void {
    this.#phase = 'over'
    for (const stop of this.#stops.splice(0)) stop()
    this.#listed?.failed(error)
    this.#talk?.close()
    this.#link?.close(error)
    for (const ping of this.#pings.splice(0)) ping.reject(error)
  }
}
