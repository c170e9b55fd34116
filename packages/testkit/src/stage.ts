import { Jid } from '@parley/jid'
import type { Live } from '@parley/live'
import { modules } from '@parley/modules'
import type { Store } from '@parley/store'
import {
  type AnyModule,
  Server as CoreServer,
  configSchema,
  createLogger,
  type Host,
  parsePeriod,
  resolveDomains,
} from '@xmpp/server-core'
import { Actor } from './actor.ts'
import { RawClient } from './client.ts'
import { FakeClock } from './clock.ts'
import { emptyStore } from './database.ts'
import { Nodes } from './nodes.ts'
import { Transcript } from './transcript.ts'
import type { MemoryWireOptions } from './wire.ts'

export interface ServerOptions {
  /** As in parley.yaml; `domains` is the host that the scenario names unless given. */
  readonly config?: Record<string, unknown>
  readonly modules?: readonly AnyModule[]
  /** Takes every line of the log, traces too. */
  readonly logTo?: (line: string) => void
}

export const PASSWORD = 'secret'

/** A server of the play: one process, or several that share everything (`TARGET=cluster`). */
export class StagedServer {
  /** The only one, or the first. */
  readonly core: CoreServer
  readonly #nodes: Nodes
  readonly host: Host
  readonly store: Store
  readonly #stage: Stage

  constructor(nodes: Nodes, domain: string, stage: Stage) {
    this.#nodes = nodes
    this.core = nodes.first
    this.host = this.core.router.hosts.get(domain)!
    this.store = this.core.store
    this.#stage = stage
  }

  /** People who are logged in, have asked for their roster and are available: `romeo/orchard`. */
  async join<const A extends readonly string[]>(...addresses: A): Promise<{ -readonly [K in keyof A]: Actor }> {
    const actors = await this.connect(...addresses)
    for (const actor of actors as Actor[]) {
      await actor.asks`<iq type="get"><query xmlns="jabber:iq:roster"/></iq>`
      await actor.sends`<presence/>`
    }
    for (const actor of actors as Actor[]) await actor.settles()
    return actors
  }

  /** People who have bound a resource and done nothing more. */
  async connect<const A extends readonly string[]>(...addresses: A): Promise<{ -readonly [K in keyof A]: Actor }> {
    const actors: Actor[] = []
    for (const address of addresses) {
      const [user = '', resource = ''] = address.split('/')
      await this.account(user)
      const client = new RawClient(this.#nodes.next())
      const jid = await client.login(this.host.domain, user, PASSWORD, resource)
      actors.push(this.#stage.enter(new Actor(jid, client, this.#stage.transcript, this.#stage)))
    }
    return actors as { -readonly [K in keyof A]: Actor }
  }

  /** Makes an account unless it is there. Its password is {@link PASSWORD}. */
  async account(user: string): Promise<Jid> {
    const jid = this.address(user)
    if (!(await this.host.accounts.exists(jid))) await this.host.accounts.create(jid, PASSWORD)
    return jid
  }

  /** The same server, as people of another of its domains see it. */
  at(domain: string): StagedServer {
    return new StagedServer(this.#nodes, domain, this.#stage)
  }

  address(user: string): Jid {
    return Jid.of(user, this.host.domain)
  }

  /** Live state, as each process has it. */
  get lives(): readonly Live[] {
    return this.#nodes.lives
  }

  /** Of all processes. */
  get sessions(): number {
    return this.#nodes.sum(({ sessions }) => sessions.size)
  }
  get streams(): number {
    return this.#nodes.sum(({ streams }) => streams.size)
  }

  /** Resolves when nothing is under way between its processes. */
  settled(): Promise<void> {
    return this.#nodes.settled()
  }

  /** All processes of it go down. */
  stop(): Promise<void> {
    return this.#nodes.stop()
  }

  /** A connection without anything on it. */
  client(options?: MemoryWireOptions): RawClient {
    return new RawClient(this.#nodes.next(), options)
  }
}

/** Where a scenario plays: servers, people, time. */
export class Stage {
  readonly clock = new FakeClock()
  readonly transcript = new Transcript()
  readonly actors: Actor[] = []
  /** What servers had to say that a scenario must expect by name. */
  readonly complaints: string[] = []
  readonly #clusters: Nodes[] = []
  #store: Store | undefined

  readonly server = async (domain: string, options: ServerOptions = {}): Promise<StagedServer> => {
    this.#store ??= await emptyStore(() => this.clock.now())
    const config = resolveDomains(
      configSchema.parse({
        domains: [domain],
        auth: { iterations: 4096 },
        limits: { stanzas: 0, logins: 0, connections: 0 },
        ...options.config,
        // Time passes in jumps: nobody is there to answer pings in between.
        modules: { 'stream-limits': { idle: '0s' }, ...(options.config?.['modules'] as object | undefined) },
      }),
    )
    const { logTo } = options
    const complain = (line: string) => /"level":"(?:warn|error)"/.test(line) && this.complaints.push(line.trim())
    const sink = {
      write(line: string) {
        logTo?.(line)
        complain(line)
      },
    }
    const log = createLogger({ level: logTo ? 'trace' : 'warn', format: 'json', sink })
    const store = this.#store
    const nodes = await Nodes.start(this.clock, (live: Live) =>
      CoreServer.start({ config, store, live, log, clock: this.clock, modules: options.modules ?? modules }),
    )
    this.#clusters.push(nodes)
    return new StagedServer(nodes, config.domains.keys().next().value!, this)
  }

  /** Makes two people contacts of each other, and lets everything that this sends come. */
  readonly befriend = async (a: Actor, b: Actor): Promise<void> => {
    await a.sends`<presence type="subscribe" to="${b.bare}"/>`
    await a.fence()
    await b.sends`<presence type="subscribed" to="${a.bare}"/>`
    await b.sends`<presence type="subscribe" to="${a.bare}"/>`
    await b.fence()
    await a.sends`<presence type="subscribed" to="${b.bare}"/>`
    for (const actor of this.actors) await actor.settles()
  }

  /** Moves time on: `30s`, `5m`, `2h`. */
  readonly after = async (time: string): Promise<void> => {
    const ms = parsePeriod(time)
    if (ms === undefined) throw new Error(`Not a time: ${time}`)
    for (const actor of this.actors) await actor.fence()
    this.transcript.note(`${time} later`)
    const before = this.complaints.length
    this.clock.advance(ms)
    await this.settled()
    // Nobody could answer in the time that was jumped over.
    const since = this.complaints.splice(before)
    this.complaints.push(...since.filter(line => !line.includes('Redis is away')))
  }

  /** Resolves when nothing is under way between the processes of a server. */
  async settled(): Promise<void> {
    for (const nodes of this.#clusters) await nodes.settled()
  }

  /** Says that a server will complain, and about what. */
  readonly expectComplaint = (about: RegExp): void => {
    const index = this.complaints.findIndex(line => about.test(line))
    if (index < 0) throw new Error(`No server complained about ${about}:\n${this.complaints.join('\n')}`)
    this.complaints.splice(index, 1)
  }

  enter(actor: Actor): Actor {
    this.actors.push(actor)
    return actor
  }

  /** The end of the play: nothing may be left over. */
  async close(failed: boolean): Promise<void> {
    try {
      if (!failed) await this.#nothingLeft()
    } finally {
      for (const nodes of this.#clusters) await nodes.stop()
    }
  }

  async #nothingLeft(): Promise<void> {
    for (const actor of this.actors) await actor.fence()
    for (const actor of this.actors) await actor.fence()
    const left = this.actors.flatMap(actor => actor.unexpected.map(element => `${actor.name}: ${element}`))
    if (left.length > 0) throw new Error(`Nobody expected\n    ${left.join('\n    ')}\n\n${this.transcript}`)
    if (this.complaints.length > 0)
      throw new Error(`The server complained:\n${this.complaints.join('\n')}\n\n${this.transcript}`)
  }
}
