import { AdapterError, type Connection, type Context, type Listening } from '@parley/adapter'
import { MessageReader } from './frames.ts'
import { type Hop, type Transport, unbracket } from './hop.ts'
import { type Message, parseDatagram } from './message.ts'

/** Where something came from, and thereby where its answer goes. */
export interface Source {
  readonly transport: Transport
  readonly host: string
  readonly port: number
  /** Names that the certificate of the other side proves. */
  readonly names: readonly string[]
  /** Of a datagram to another place than it came from (`rport` apart, RFC 3261 §18.2.2). */
  send(bytes: Buffer, port?: number): void
}

export interface Doors {
  readonly host: string
  /** 0: none. */
  readonly udp: number
  readonly tcp: number
  readonly tls: number
}

export type Receive = (message: Message, source: Source) => void

/** Connections of others to us. */
const MOST_INBOUND = 1000
const MOST_UNWRITTEN = 1_048_576
/** Who says nothing for so long (ms) is gone. */
const SILENCE = 600_000
const SIGN_OF_LIFE = 60_000

/** UDP, TCP and TLS beneath SIP (RFC 3261 §18): messages in, messages out. */
export class Transports {
  readonly #context: Context
  readonly #receive: Receive
  readonly #trustAnything: boolean
  readonly #open = new Map<string, Promise<Link>>()
  readonly #links = new Set<Link>()
  readonly #doors = new Map<Transport, Listening>()
  #inbound = 0
  #stopSweep = () => {}

  constructor(context: Context, trustAnything: boolean, receive: Receive) {
    this.#context = context
    this.#trustAnything = trustAnything
    this.#receive = receive
  }

  async start(doors: Doors): Promise<void> {
    const { host } = doors
    if (doors.udp)
      this.#doors.set(
        'udp',
        await this.#context.listen({
          host,
          port: doors.udp,
          transport: 'udp',
          datagram: (b, from) => this.#datagram(b, from),
        }),
      )
    for (const transport of ['tcp', 'tls'] as const) {
      if (!doors[transport]) continue
      const connected = (connection: Connection) => this.#accept(connection, transport)
      this.#doors.set(transport, await this.#context.listen({ host, port: doors[transport], transport, connected }))
    }
    this.#stopSweep = this.#context.clock.every(SIGN_OF_LIFE, () => this.#sweep())
  }

  async stop(): Promise<void> {
    this.#stopSweep()
    for (const link of this.#links) link.end()
    this.#open.clear()
    await Promise.all([...this.#doors.values()].map(door => door.close()))
  }

  /** The port where we are heard; undefined where there is no such door. */
  port(transport: Transport): number | undefined {
    return this.#doors.get(transport)?.port
  }

  /**
   * @param lost called when the connection that it went over has ended
   * @returns what stops waiting for that
   * @throws AdapterError `transient` or `denied` where there is no way there
   */
  async send(bytes: Buffer, hop: Hop, lost: () => void): Promise<() => void> {
    if (hop.transport !== 'udp') {
      const link = await this.#link(hop)
      link.write(bytes)
      return link.watch(lost)
    }
    const door = this.#doors.get('udp')
    if (!door) throw new AdapterError('unsupported', 'UDP is switched off for this network')
    door.send(bytes, { host: unbracket(hop.host), port: hop.port })
    return () => {}
  }

  #link(hop: Hop): Promise<Link> {
    const key = `${hop.transport} ${hop.host} ${hop.port}`
    const known = this.#open.get(key)
    if (known) return known
    const link = this.#connect(hop, () => this.#open.delete(key))
    this.#open.set(key, link)
    link.catch(() => this.#open.delete(key))
    return link
  }

  async #connect(hop: Hop, ended: () => void): Promise<Link> {
    const connection = await this.#context.connect({
      host: unbracket(hop.host),
      port: hop.port,
      tls: hop.transport === 'tls',
      trustAnything: this.#trustAnything,
      identify: true,
    })
    const { transport, host, port } = hop
    // Who was connected to by name, and has a certificate for it, is who it was meant to be.
    const names = transport === 'tls' && !this.#trustAnything ? [host] : []
    return this.#run(connection, true, { transport, host: unbracket(host), port, names }, ended)
  }

  #accept(connection: Connection, transport: Transport) {
    if (this.#inbound >= MOST_INBOUND) return connection.destroy()
    this.#inbound++
    const [host, port] = splitRemote(connection.remote)
    this.#run(connection, false, { transport, host, port, names: connection.names ?? [] }, () => this.#inbound--)
  }

  #run(connection: Connection, ours: boolean, from: Omit<Source, 'send'>, ended: () => void): Link {
    const link = new Link(connection, from, {
      ours,
      now: () => this.#context.clock.now(),
      receive: this.#receive,
      ended: why => {
        this.#links.delete(link)
        ended()
        if (why) this.#context.log.info('A SIP connection was ended', { remote: connection.remote, why: why.message })
      },
    })
    this.#links.add(link)
    return link
  }

  #datagram(bytes: Uint8Array, from: { readonly host: string; readonly port: number }): void {
    // RFC 5626 §3.5.1 and the habit of others: signs of life, which want no answer.
    if (bytes.length <= 4) return
    const send = (answer: Buffer, port = from.port) => this.#doors.get('udp')?.send(answer, { host: from.host, port })
    try {
      const message = parseDatagram(Buffer.from(bytes))
      this.#receive(message, { transport: 'udp', host: from.host, port: from.port, names: [], send })
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error
      this.#context.log.debug('A datagram was no SIP message', { from: from.host, why: error.message })
    }
  }

  #sweep(): void {
    const before = this.#context.clock.now() - SILENCE
    for (const link of this.#links) {
      if (link.heard < before) link.end()
      else if (link.ours) link.signOfLife()
    }
  }
}

interface LinkUse {
  readonly ours: boolean
  now(): number
  readonly receive: Receive
  ended(why: Error | undefined): void
}

class Link {
  heard: number
  /** We have opened it, and keep it open. */
  readonly ours: boolean
  readonly #connection: Connection
  readonly #use: LinkUse
  readonly #reader = new MessageReader()
  readonly #source: Source
  readonly #watching = new Set<() => void>()
  #over = false

  constructor(connection: Connection, from: Omit<Source, 'send'>, use: LinkUse) {
    this.#connection = connection
    this.#use = use
    this.heard = use.now()
    this.ours = use.ours
    this.#source = { ...from, send: bytes => this.write(bytes) }
    connection.stream.on('data', (chunk: Buffer) => this.#read(chunk))
    connection.stream.on('error', error => this.end(error))
    connection.stream.on('close', () => this.end())
  }

  write(bytes: Buffer): void {
    if (this.#over) throw new AdapterError('transient', 'The connection has ended')
    if (this.#connection.stream.writableLength > MOST_UNWRITTEN) this.end(new Error('it does not read'))
    else this.#connection.stream.write(bytes)
  }

  /** Called once, when it ends; gives what takes that back. */
  watch(lost: () => void): () => void {
    if (this.#over) lost()
    else this.#watching.add(lost)
    return () => this.#watching.delete(lost)
  }

  /** CRLF CRLF: whoever is there answers, or at least its machine says so when it is not (RFC 5626 §3.5.1). */
  signOfLife(): void {
    this.#connection.stream.write('\r\n\r\n')
  }

  end(why?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#connection.destroy()
    this.#use.ended(why)
    for (const lost of this.#watching) lost()
    this.#watching.clear()
  }

  #read(chunk: Buffer): void {
    this.heard = this.#use.now()
    try {
      for (const message of this.#reader.read(chunk)) {
        if (this.#over) return
        if (message === 'ping') this.#connection.stream.write('\r\n')
        else this.#use.receive(message, this.#source)
      }
    } catch (error) {
      this.end(error as Error)
    }
  }
}

/** `192.0.2.1:5061`, `[2001:db8::1]:5061`, or an address without a port. */
function splitRemote(remote: string): [host: string, port: number] {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(remote) ?? []
  return [(bracketed ?? plain ?? unbracket(remote)).replace(/^::ffff:/i, ''), Number(port ?? 0)]
}
