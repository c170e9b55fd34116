import { randomUUID } from 'node:crypto'
import {
  type Ack,
  AdapterError,
  type Context,
  type Event,
  type Outgoing,
  type Place,
  type Presence,
  type Profile,
  type Session,
} from '@parley/adapter'
import { Contacts } from './contacts.ts'
import { failureOf, farewell } from './failures.ts'
import { heard } from './formatting.ts'
import type { Line } from './message.ts'
import { canonical, fold, isChannel } from './names.ts'
import { awayText } from './presence.ts'
import { identify, register, type Who } from './register.ts'
import { Rooms } from './rooms.ts'
import type { IrcSettings } from './settings.ts'
import { Support } from './support.ts'
import { Talk } from './talk.ts'
import { Wire } from './wire.ts'

const REGISTRATION = 45_000
const IDENTIFYING = 10_000
const ANSWER = 15_000
/** Whoever asks whether the network is there wants to know soon; the core asks twice. */
const PONG = 4000
/** A session ends within 5 seconds. */
const FAREWELL = 3000

/** One user on one network. */
export class IrcSession implements Session {
  readonly #context: Context<IrcSettings>
  readonly #support = new Support()
  #wire: Wire | undefined
  #rooms: Rooms | undefined
  #contacts: Contacts | undefined
  #talk: Talk | undefined
  #nick = ''
  /** The nickname that the user has asked for, where another one had to do. */
  #wanted: string | undefined
  /** `nick!user@host` of this session, once the server has shown it. */
  #source: string | undefined
  #state: 'new' | 'starting' | 'online' | 'over' = 'new'

  constructor(context: Context<IrcSettings>) {
    this.#context = context
  }

  async start(): Promise<void> {
    const { settings, signal } = this.#context
    this.#state = 'starting'
    const who = await this.#who()
    const connection = await this.#context.connect({
      host: settings.host,
      port: settings.port,
      tls: settings.tls,
      ...(settings.trustAnything ? { trustAnything: true } : {}),
    })
    if (this.#isOver) {
      connection.destroy()
      throw stopped()
    }
    const wire = new Wire(connection, {
      clock: this.#context.clock,
      burst: settings.burst,
      interval: settings.interval,
      line: (line, taken) => this.#read(line, taken),
      ended: error => this.#ended(error),
      first: line => this.#talk?.note(line),
    })
    this.#wire = wire
    signal.addEventListener('abort', () => wire.end(stopped()), { once: true })
    try {
      await this.#begin(wire, who)
    } catch (error) {
      this.#state = 'over'
      this.#contacts?.stop()
      wire.end(error instanceof AdapterError ? error : new AdapterError('transient', 'The login has failed'))
      throw error
    }
    if (this.#isOver) throw stopped()
    this.#state = 'online'
  }

  async stop(): Promise<void> {
    const wire = this.#wire
    const was = this.#state
    this.#state = 'over'
    this.#contacts?.stop()
    if (!wire) return
    if (was === 'online') {
      const closed = wire.wait(FAREWELL, '', () => undefined).catch(() => {})
      wire.urgent('QUIT', [''])
      await closed
    }
    wire.end(stopped())
  }

  async ping(): Promise<void> {
    const token = randomUUID()
    const answer = this.#online.wire.wait(PONG, 'The network does not answer', line =>
      line.command === 'PONG' && line.params.at(-1) === token ? true : undefined,
    )
    this.#online.wire.urgent('PING', [token])
    await answer
  }

  async setPresence(presence: Presence): Promise<void> {
    const text = awayText(presence)
    this.#online.wire.send('AWAY', text === undefined ? [] : [linesCut(text)])
  }

  async send(message: Outgoing): Promise<Ack> {
    return await this.#online.talk.send(message)
  }

  async typing(to: Place, state: 'composing' | 'paused' | 'gone'): Promise<void> {
    this.#online.talk.typing(to, state)
  }

  async addContact(id: string, { name, groups }: { name?: string; groups?: readonly string[] }): Promise<void> {
    if (isChannel(named(id))) throw new AdapterError('unsupported', 'Channels are no contacts: join them')
    await this.#online.contacts.put({ id, ...(name === undefined ? {} : { name }), ...(groups && { groups }) })
  }

  async removeContact(id: string): Promise<void> {
    await this.#online.contacts.remove(id)
  }

  async renameContact(id: string, name: string): Promise<void> {
    this.#has(id)
    await this.#online.contacts.put({ id, name })
  }

  async regroupContact(id: string, groups: readonly string[]): Promise<void> {
    this.#has(id)
    await this.#online.contacts.put({ id, groups })
  }

  async joinRoom(id: string, _nick: string, password: string | undefined): Promise<void> {
    await this.#online.rooms.join(named(id), password)
    await this.#context.secrets.set(`room ${id}`, password)
    await this.#keepRooms()
  }

  async leaveRoom(id: string): Promise<void> {
    this.#online.rooms.leave(id)
    await this.#keepRooms(id)
  }

  async setTopic(id: string, topic: string): Promise<void> {
    await this.#online.rooms.command('TOPIC', [id, linesCut(topic)], line => this.#did(line, 'TOPIC', id))
  }

  /** There is one nickname for all channels. */
  async setNick(_id: string, nick: string): Promise<void> {
    if (canonical(nick) === undefined || isChannel(nick)) throw new AdapterError('denied', 'That is no nickname')
    await this.#online.rooms.command('NICK', [nick], line => line.command === 'NICK' && line.params[0] === nick)
    this.#wanted = undefined
    await this.#context.kv.set('nick', nick)
  }

  async invite(id: string, whom: string): Promise<void> {
    await this.#online.rooms.command('INVITE', [whom, id], line => line.command === '341')
  }

  async kick(id: string, nick: string, reason: string): Promise<void> {
    await this.#online.rooms.command(
      'KICK',
      [id, nick, linesCut(reason)],
      line => this.#did(line, 'KICK', id) && this.#key(line.params[1] ?? '') === this.#key(nick),
    )
  }

  async listRooms(): Promise<readonly { readonly id: string; readonly name?: string; readonly occupants?: number }[]> {
    return await this.#online.rooms.list()
  }

  async profile(id: string): Promise<Profile> {
    const { wire } = this.#online
    const found: { name?: string; note?: string } = {}
    const answer = wire.wait(ANSWER, 'The network does not answer', line => {
      if (this.#key(line.params[1] ?? '') !== id) return undefined
      if (line.command === '311') found.name = heard(line.params[5] ?? '') ?? ''
      if (line.command === '330') found.note = `account ${heard(line.params[2] ?? '')}`
      if (line.command === '401') throw failureOf(line)!
      return line.command === '318' ? found : undefined
    })
    wire.send('WHOIS', [named(id)])
    return { id, nick: id, ...(await answer) }
  }

  async #who(): Promise<Who> {
    const { account, secrets, kv, settings } = this.#context
    const asked = account?.fields['nick'] ?? ''
    const kept = await kv.get('nick')
    const nick = kept ?? asked
    if (canonical(nick) === undefined || isChannel(nick)) throw new AdapterError('credentials', 'That is no nickname')
    const password = (await secrets.get('password')) || undefined
    const username = (account?.fields['nick'] ?? '').replace(/[^A-Za-z0-9]/g, '').slice(0, 10) || 'parley'
    const realname = linesCut(account?.fields['realname'] ?? '')
    return {
      nick,
      username,
      realname,
      password,
      account: account?.fields['account'] || asked,
      identify: settings.identify,
    }
  }

  async #begin(wire: Wire, who: Who): Promise<void> {
    const { clock, kv, settings } = this.#context
    const { nick, capabilities } = await register(wire, who, REGISTRATION)
    this.#nick = nick
    const around = {
      wire,
      clock,
      support: this.#support,
      nick: () => this.#nick,
      key: (name: string) => this.#key(name),
      source: () => this.#source ?? `${this.#nick}!${who.username}@${'h'.repeat(63)}`,
      emit: (event: Event) => this.#emit(event),
    }
    const tellsAway = capabilities.has('extended-monitor') || capabilities.has('draft/extended-monitor')
    this.#rooms = new Rooms(around)
    this.#talk = new Talk({ ...around, capabilities })
    this.#contacts = new Contacts({ ...around, kv, tellsAway })
    this.#emit({ type: 'self', id: this.#key(nick), name: nick })
    if (nick !== who.nick) {
      this.#wanted = who.nick
      this.#emit({ type: 'notice', text: `The nickname ${who.nick} is taken: you are ${nick} for now` })
    }
    if (who.identify === 'nickserv' && who.password !== undefined) {
      const proven = await identify(wire, who, settings.nickserv, IDENTIFYING)
      if (!proven) this.#emit({ type: 'notice', text: `${settings.nickserv} did not answer: you are not identified` })
    }
    await this.#contacts.start()
    for (const id of JSON.parse((await kv.get('rooms')) ?? '[]') as string[]) void this.#rejoin(id)
  }

  /** A channel that the user was in when the session ended. */
  async #rejoin(id: string): Promise<void> {
    try {
      await this.#rooms!.join(id, await this.#context.secrets.get(`room ${id}`))
    } catch (error) {
      if (this.#state !== 'online' || !(error instanceof AdapterError)) return
      this.#emit({ type: 'room-left', id, reason: error.message })
      if (error.failure !== 'transient') await this.#keepRooms(id)
    }
  }

  async #keepRooms(without?: string): Promise<void> {
    const ids = (this.#rooms?.ids ?? []).filter(id => id !== without)
    await this.#context.kv.set('rooms', JSON.stringify(ids))
    if (without !== undefined) await this.#context.secrets.set(`room ${without}`, undefined)
  }

  #read(line: Line, taken: boolean): void {
    if (line.command === 'ERROR') {
      this.#wire?.end(farewell(line.params.at(-1) ?? ''))
      return
    }
    if (line.command === '005') this.#support.read(line.params)
    const own = this.#nick !== '' && this.#key(line.nick) === this.#key(this.#nick)
    if (line.command === 'KILL' && this.#key(line.params[0] ?? '') === this.#key(this.#nick)) {
      this.#wire?.end(farewell('killed'))
      return
    }
    if (own && line.source.includes('!')) this.#source = line.source
    if (line.command === 'INVITE' && !own)
      this.#emit({ type: 'notice', text: `${line.nick} invites you to ${heard(line.params[1] ?? '')}` })
    this.#rooms?.read(line)
    this.#contacts?.read(line)
    if (!taken) this.#talk?.read(line)
    if (line.command === 'NICK') this.#renamed(line, own)
    if (line.command === 'KICK' && this.#key(line.params[1] ?? '') === this.#key(this.#nick))
      void this.#keepRooms(this.#key(line.params[0] ?? '')).catch(() => {})
    if (line.command === 'QUIT' && this.#wanted && this.#key(line.nick) === this.#key(this.#wanted)) this.#regain()
  }

  #renamed(line: Line, own: boolean): void {
    const to = line.params[0] ?? ''
    if (own) {
      this.#nick = to
      if (to === this.#wanted) this.#wanted = undefined
      this.#emit({ type: 'self', id: this.#key(to), name: to })
    } else if (this.#wanted && this.#key(line.nick) === this.#key(this.#wanted)) this.#regain()
  }

  /** Whoever had the nickname that the user wants has gone. */
  #regain(): void {
    this.#wire?.send('NICK', [this.#wanted!])
  }

  #did(line: Line, command: string, id: string): boolean {
    return line.command === command && this.#key(line.params[0] ?? '') === id
  }

  #has(id: string): void {
    if (!this.#online.contacts.has(id)) throw new AdapterError('not-found', 'You have no such contact')
  }

  #key(name: string): string {
    return fold(name, this.#support.casemapping)
  }

  /** Asked for where something was waited for: whoever stops a session does not wait. */
  get #isOver(): boolean {
    return this.#state === 'over'
  }

  get #online(): { wire: Wire; rooms: Rooms; contacts: Contacts; talk: Talk } {
    if (this.#state !== 'online') throw new AdapterError('transient', 'You are not logged in')
    return { wire: this.#wire!, rooms: this.#rooms!, contacts: this.#contacts!, talk: this.#talk! }
  }

  #emit(event: Event): void {
    if (this.#state !== 'over') this.#context.emit(event)
  }

  #ended(error: AdapterError): void {
    this.#contacts?.stop()
    if (this.#state !== 'online') return
    this.#state = 'over'
    this.#context.emit({ type: 'ended', error })
  }
}

function stopped(): AdapterError {
  return new AdapterError('transient', 'The session was stopped')
}

/** @throws AdapterError where it is no address of this network */
function named(id: string): string {
  if (canonical(id) === undefined) throw new AdapterError('not-found', 'That is no name on this network')
  return id
}

/** One line, short enough for any server: a topic, the reason for something, a name. */
function linesCut(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]+/g, ' ').slice(0, 300)
}
