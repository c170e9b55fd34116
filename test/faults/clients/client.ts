import type { Element } from '@parley/xml'
import type { Event, Recorder } from '../history.ts'
import type { Dice } from '../random.ts'
import { pause } from '../stage/child.ts'
import { Connection } from './connection.ts'
import { read, type Seen } from './reading.ts'

const MAM = 'urn:xmpp:mam:2'
const RSM = 'http://jabber.org/protocol/rsm'
const PAGE = 100
const POLL = 50

/** What all clients of a run have in common. */
export interface World {
  /** Where the front ends listen. */
  readonly ports: readonly number[]
  readonly domain: string
  readonly recorder: Recorder
  readonly dice: Dice
  /** How long a client waits for a sign of life before it goes elsewhere (ms). */
  readonly patience: number
}

/** Distributes over all variants of an event what is filled in by the client. */
type Said = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

/** A client that is connected whenever it can be, each time to another front end: what it does then is its kind's. */
export abstract class Client {
  readonly name: string
  readonly user: string
  readonly account: string
  readonly world: World
  protected connection: Connection | undefined
  /** Ready for messages: negotiated, and what was missed has been read. */
  isReady = false
  /** Names the stream lineage. */
  protected session: string
  protected stopped = false
  /** The archive id of the last message before which none is missing (XEP-0313: where to read on). */
  protected last: string | undefined
  protected isCaughtUp = false
  #sessions = 0
  #front: number
  #running: Promise<void> | undefined
  protected lostAt: number | undefined
  #why = ''
  readonly #events: Event[]

  constructor(world: World, user: string, resource: string) {
    this.world = world
    this.user = user
    this.account = `${user}@${world.domain}`
    this.name = `${this.account}/${resource}`
    this.session = this.name
    this.#front = world.dice.below(world.ports.length)
    this.#events = world.recorder.of(this.name)
  }

  /** Which front end it is connected to, or was last. */
  get front(): number {
    return this.#front
  }

  /** Connects, and connects again, until it is stopped. */
  start(): void {
    this.#running = this.#run()
  }

  /** Resolves when it is connected, and ready for messages. */
  async ready(): Promise<void> {
    while (!this.isReady) await pause(POLL)
  }

  /** Ends in order. */
  async stop(): Promise<void> {
    this.stopped = true
    this.connection?.close()
    this.connection?.destroy()
    await this.#running
  }

  /** Reads nothing until it is told `false`. */
  choke(is: boolean): void {
    this.connection?.choke(is)
  }

  /** Loses the connection without a word. */
  drop(): void {
    this.connection?.destroy()
  }

  /** On a connection that is logged in: everything up to being ready. */
  protected abstract negotiate(connection: Connection): Promise<void>
  protected abstract take(element: Element, connection: Connection): void
  /** Called often while it is connected. */
  abstract tick(now: number): void

  protected say(event: Said): void {
    this.#events.push({ at: this.world.recorder.now(), ...event } as Event)
  }

  protected saw(seen: Seen): void {
    // Before it has caught up, what comes by itself says nothing of what is before it.
    if (this.isCaughtUp || seen.way === 'archive') this.last = seen.id ?? this.last
    this.say({ what: 'got', session: this.session, ...seen })
  }

  protected readMessage(element: Element): void {
    const seen = read(element, this.account)
    if (seen) this.saw(seen)
  }

  protected async begin(connection: Connection, resource: string): Promise<void> {
    await connection.bind(resource)
    this.session = `${this.name}#${++this.#sessions}`
    this.isCaughtUp = false
    this.say({ what: 'bound', session: this.session })
  }

  /** XEP-0313: everything since the message `start`. */
  protected async catchUp(
    start: string | undefined,
    ask: (id: string, payload: string) => Promise<Element>,
  ): Promise<void> {
    let last = start
    for (let page = 0; ; page++) {
      const after = last === undefined ? '' : `<after>${last}</after>`
      const set = `<set xmlns="${RSM}"><max>${PAGE}</max>${after}</set>`
      const answer = await ask(`page-${page}`, `<query xmlns="${MAM}" queryid="q">${set}</query>`)
      const fin = answer.child('fin', MAM)
      if (!fin) throw new Error(`No page: ${answer}`)
      if (fin.attrs['complete'] === 'true') {
        this.isCaughtUp = true
        this.say({ what: 'caughtUp', session: this.session })
        return
      }
      last = fin.child('set', RSM)?.textOf('last') ?? last
    }
  }

  async #run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.#connect()
      } catch (error) {
        if (this.#why === '') this.#why = (error as Error).message
        this.connection?.destroy()
      }
      this.connection = undefined
      this.isReady = false
      if (!this.stopped) await pause(20 + this.world.dice.next() * 80)
    }
  }

  /** Resolves when the connection has ended. */
  async #connect(): Promise<void> {
    const { ports, patience, domain } = this.world
    // Another one than the last, where there is another.
    if (ports.length > 1) this.#front = (this.#front + 1 + this.world.dice.below(ports.length - 1)) % ports.length
    const connection = await Connection.open(ports[this.#front]!, { patience, domain })
    this.connection = connection
    this.#why = ''
    const ended = new Promise<void>(resolve => {
      connection.onLost = () => {
        this.isReady = false
        this.lostAt ??= this.world.recorder.now()
        if (!this.stopped) this.say({ what: 'lost', session: this.session, why: this.#why })
        resolve()
      }
    })
    connection.onElement = element => {
      if (element.name === 'error' && element.ns === 'http://etherx.jabber.org/streams') {
        this.#why = element
          .elements()
          .map(({ name }) => name)
          .join(' ')
      }
      this.take(element, connection)
    }
    const late = setTimeout(() => connection.destroy(), patience)
    try {
      await connection.authenticate(this.user)
      clearTimeout(late)
      await Promise.race([this.negotiate(connection), ended])
      if (!connection.isOpen) return
      this.lostAt = undefined
    } finally {
      clearTimeout(late)
    }
    await ended
  }
}
