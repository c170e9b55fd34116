import { randomInt } from 'node:crypto'
import { AdapterError } from '@parley/adapter'
import { failureOf } from './failures.ts'
import type { Line } from './message.ts'
import type { Wire } from './wire.ts'

/** Extensions of IRCv3 that are used where the server has them. */
const WANTED = [
  ...['message-tags', 'server-time', 'echo-message', 'batch', 'labeled-response', 'multi-prefix'],
  ...['away-notify', 'extended-monitor', 'draft/extended-monitor'],
]
/** Nicknames that are tried: the one that is wanted, four with a sign more, four with a number. */
const TRIES = 9
/** Capabilities that a server may list. */
const LISTED = 500

export interface Who {
  readonly nick: string
  readonly username: string
  readonly realname: string
  readonly account: string
  readonly password: string | undefined
  readonly identify: 'sasl' | 'pass' | 'nickserv'
}

export interface Registered {
  /** The nickname that the server has given. */
  readonly nick: string
  readonly capabilities: ReadonlySet<string>
}

/** From the greeting to the end of the message of the day. @throws AdapterError */
export async function register(wire: Wire, who: Who, timeout: number): Promise<Registered> {
  const greeting = new Greeting(wire, who)
  const answer = wire.wait(timeout, 'The network does not answer', line => greeting.read(line))
  greeting.begin()
  return await answer
}

class Greeting {
  readonly #wire: Wire
  readonly #who: Who
  readonly #listed = new Set<string>()
  readonly #capabilities = new Set<string>()
  #tried = 1
  #nick: string | undefined
  #proven = false

  constructor(wire: Wire, who: Who) {
    this.#wire = wire
    this.#who = who
  }

  begin(): void {
    const { identify, password, nick, username, realname } = this.#who
    this.#wire.urgent('CAP', ['LS', '302'])
    if (identify === 'pass' && password !== undefined) this.#wire.urgent('PASS', [password])
    this.#wire.urgent('NICK', [nick])
    this.#wire.urgent('USER', [username, '0', '*', realname || nick])
  }

  read(line: Line): Registered | undefined {
    switch (line.command) {
      case 'CAP':
        this.#capability(line.params)
        return undefined
      case 'AUTHENTICATE':
        if (line.params[0] === '+') this.#authenticate()
        return undefined
      case '903':
        this.#proven = true
        this.#wire.urgent('CAP', ['END'])
        return undefined
      case '902':
      case '904':
      case '905':
      case '906':
      case '464':
        throw new AdapterError('credentials', 'The network does not take this name and password')
      case '465':
        throw new AdapterError('denied', 'The network does not let you in')
      case '432':
        throw new AdapterError('credentials', 'The network does not allow this nickname')
      case '433':
      case '436':
      case '437':
        if (this.#nick === undefined) this.#another()
        return undefined
      case '001':
        if (this.#needsSasl && !this.#proven) throw noSasl()
        this.#nick = line.params[0] ?? this.#who.nick
        return undefined
      case '376':
      case '422':
        return this.#nick === undefined ? undefined : { nick: this.#nick, capabilities: this.#capabilities }
      default:
        return undefined
    }
  }

  get #needsSasl(): boolean {
    return this.#who.identify === 'sasl' && this.#who.password !== undefined
  }

  #capability(params: readonly string[]): void {
    const names = (params.at(-1) ?? '').split(' ').filter(Boolean)
    if (params[1] === 'LS') {
      for (const name of names) if (this.#listed.size < LISTED) this.#listed.add(name.split('=')[0]!)
      if (params[2] === '*' && params.length > 3) return
      if (this.#nick !== undefined) return
      if (this.#needsSasl && !this.#listed.has('sasl')) throw noSasl()
      const wanted = [...WANTED, ...(this.#needsSasl ? ['sasl'] : [])].filter(name => this.#listed.has(name))
      if (wanted.length > 0) this.#wire.urgent('CAP', ['REQ', wanted.join(' ')])
      else this.#wire.urgent('CAP', ['END'])
    } else if (params[1] === 'ACK') {
      for (const name of names) if (WANTED.includes(name) || name === 'sasl') this.#capabilities.add(name)
      if (this.#capabilities.has('sasl')) this.#wire.urgent('AUTHENTICATE', ['PLAIN'])
      else this.#wire.urgent('CAP', ['END'])
    } else if (params[1] === 'NAK') {
      if (this.#needsSasl) throw noSasl()
      this.#wire.urgent('CAP', ['END'])
    }
  }

  /** SASL PLAIN in pieces of 400 bytes; one that is full is followed by another, if need be an empty one. */
  #authenticate(): void {
    const { account, password } = this.#who
    const text = Buffer.from(`\0${account}\0${password ?? ''}`).toString('base64')
    for (let at = 0; at <= text.length; at += 400) this.#wire.urgent('AUTHENTICATE', [text.slice(at, at + 400) || '+'])
  }

  #another(): void {
    this.#tried++
    if (this.#tried > TRIES) throw new AdapterError('credentials', 'The nickname is taken, and those that are like it')
    const { nick } = this.#who
    this.#wire.urgent('NICK', [
      this.#tried <= 5 ? nick + '_'.repeat(this.#tried - 1) : `${nick}${randomInt(10, 10_000)}`,
    ])
  }
}

function noSasl(): AdapterError {
  return new AdapterError(
    'denied',
    'The network does not take passwords by SASL; whoever runs this gateway can change that',
  )
}

/**
 * Tells the service for nicknames who this is. Only where the operator has set it: on a network without services anybody may have
 * that nickname. False: there was no answer that could be understood. @throws AdapterError `credentials`
 */
export async function identify(wire: Wire, who: Who, service: string, timeout: number): Promise<boolean> {
  const words = who.account === who.nick ? who.password! : `${who.account} ${who.password!}`
  const answer = wire.wait(timeout, 'The service does not answer', line => {
    if (line.command === '900') return true
    if (line.command === '401' && line.params[1]?.toLowerCase() === service.toLowerCase()) throw failureOf(line)
    if (line.command !== 'NOTICE' || line.nick.toLowerCase() !== service.toLowerCase()) return undefined
    const text = line.params.at(-1) ?? ''
    if (/invalid|incorrect|wrong|denied|not registered|isn't registered|failed/i.test(text))
      throw new AdapterError('credentials', 'The network does not take this name and password')
    return /identified|accepted|recogni[sz]ed|logged in/i.test(text) ? true : undefined
  })
  wire.urgent('PRIVMSG', [service, `IDENTIFY ${words}`])
  try {
    return await answer
  } catch (error) {
    if (error instanceof AdapterError && (error.failure === 'transient' || error.failure === 'not-found')) return false
    throw error
  }
}
