import { createServer, type Server as NetServer, type Socket } from 'node:net'
import {
  createHttpServer,
  type Family,
  Health,
  type HttpRoute,
  type HttpRoutes,
  healthRoutes,
  hostMeta,
  listenAt,
  metricsRoute,
  ProcessMetrics,
  type Siblings,
  serverFamilies,
  storeFamilies,
  type Upgrade,
} from '@parley/http'
import { type Certificates, type Handshakes, Stalls, TcpWire, TlsDoor } from '@parley/wire'
import { opens, type Server } from '@xmpp/server-core'
import { Components } from './components.ts'
import { DoorCounts } from './counts.ts'
import { certificateFamilies, listenerFamilies } from './metrics.ts'
import { Proxies } from './proxy/proxies.ts'
import { Room } from './room.ts'
import { websocketUpgrade } from './websocket.ts'

type Door = keyof Server['config']['listen']

/** Takes the connections of other servers. */
export interface PeerDoor {
  /** False: it is turned away. @param client the address where a proxy has told it */
  accept(socket: Socket, direct: boolean, client: string): boolean
  handshakes(direct: boolean): Handshakes
  /** Figures of what it does with them. */
  families(): readonly Family[]
}

export interface Listeners {
  /** Where each listener is, by its key under `listen`, such as `[::]:5222`. */
  readonly addresses: ReadonlyMap<Door, string>
  /** Connections that are not yet, or no longer, counted as streams: PROXY headers, handshakes and stalled stanzas. */
  readonly pending: number
  /** Takes no more connections of clients; those that are there stay, and HTTP goes on answering. */
  shut(): void
  /** Takes no more connections, and closes those of HTTP; streams are closed by `Server.stop`, which comes first. */
  close(): Promise<void>
}

/**
 * Opens what `listen` names in the configuration and the roles of this process need.
 *
 * @param routes what the HTTP listeners answer besides host-meta, health and the WebSocket
 * @param siblings other processes on the same ports, where there are some
 * @param peers takes the connections of other servers; absent: there is no federation
 * @throws ListenError; nothing stays open then
 */
export async function openListeners(
  server: Server,
  certificates: Certificates,
  routes: HttpRoutes,
  { siblings, peers }: { readonly siblings?: Siblings | undefined; readonly peers?: PeerDoor | undefined } = {},
): Promise<Listeners> {
  const opening = new Opening(server, certificates, siblings)
  try {
    await opening.open(routes, peers)
    return opening
  } catch (error) {
    await opening.close()
    throw error
  }
}

class Opening implements Listeners {
  readonly addresses = new Map<Door, string>()
  readonly #server: Server
  readonly #certificates: Certificates
  readonly #siblings: Siblings | undefined
  readonly #stalls: Stalls
  readonly #proxies: Proxies
  readonly #room: Room
  readonly #doors: TlsDoor[] = []
  readonly #counts = new Map<Door, DoorCounts>()
  readonly #closers: (() => unknown)[] = []
  readonly #tcpListeners: NetServer[] = []
  #httpsPort: number | undefined

  constructor(server: Server, certificates: Certificates, siblings: Siblings | undefined) {
    this.#server = server
    this.#certificates = certificates
    this.#siblings = siblings
    this.#stalls = new Stalls(server.clock)
    const { clock, config, log } = server
    this.#room = new Room(clock, log)
    this.#proxies = new Proxies({ trusted: config.trustedProxies, clock, log })
  }

  get pending(): number {
    return this.#doors.reduce((sum, door) => sum + door.size, this.#stalls.size + this.#proxies.size)
  }

  async open(routes: HttpRoutes, peers?: PeerDoor): Promise<void> {
    await this.#clients('client', false)
    await this.#clients('clientTls', true)
    if (peers) {
      await this.#peers('server', false, peers)
      await this.#peers('serverTls', true, peers)
    }
    const components = new Components(this.#server, this.#stalls)
    this.#closers.push(() => components.close())
    const counts = new DoorCounts()
    await this.#tcp('component', counts, socket => counts.add(components.accept(socket), this.#server.draining))
    await this.#http(routes, peers)
  }

  shut(): void {
    for (const listener of this.#tcpListeners) listener.close()
  }

  async close(): Promise<void> {
    this.#stalls.stop()
    this.#proxies.close()
    for (const door of this.#doors) door.close()
    await Promise.all(this.#closers.map(close => close()))
  }

  async #clients(door: Door, direct: boolean): Promise<void> {
    const server = this.#server
    const tls = new TlsDoor(this.#certificates, { direct })
    this.#doors.push(tls)
    const crashed = (error: unknown) => server.log.error('a connection could not be read', { error })
    const options = { clock: server.clock, stalls: this.#stalls, crashed, tls, direct }
    const counts = new DoorCounts(tls.handshakes)
    await this.#tcp(door, counts, socket => {
      const accept = (client: string) =>
        counts.add(server.accept(new TcpWire(socket, options, client)) !== undefined, server.draining)
      this.#proxies.meet(socket, 'required', accept, () => counts.refused.proxy++)
    })
  }

  async #peers(door: Door, direct: boolean, peers: PeerDoor): Promise<void> {
    const counts = new DoorCounts(peers.handshakes(direct))
    await this.#tcp(door, counts, socket => {
      const accept = (client: string) => counts.add(peers.accept(socket, direct, client), this.#server.draining)
      this.#proxies.meet(socket, 'required', accept, () => counts.refused.proxy++)
    })
  }

  #isWanted(door: Door): boolean {
    const { config } = this.#server
    return config.listen[door] !== undefined && opens(config, door)
  }

  async #tcp(door: Door, counts: DoorCounts, accept: (socket: Socket) => void): Promise<void> {
    if (!this.#isWanted(door)) return
    this.#counts.set(door, counts)
    const listener = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, socket => {
      if (this.#room.admits(socket, () => this.#server.makeRoom())) accept(socket)
      else counts.refused.full++
    })
    await this.#listen(door, listener)
    this.#tcpListeners.push(listener)
    this.#closers.push(() => new Promise<void>(resolve => void listener.close(() => resolve())))
  }

  async #http(routes: HttpRoutes, peers: PeerDoor | undefined): Promise<void> {
    const { config, log } = this.#server
    const health = new Health(this.#server)
    const hasClients = config.roles.includes('clients')
    if (hasClients) routes.add(...hostMeta(config, () => this.#httpsPort))
    const answers = [...healthRoutes(health), ...(hasClients ? routes.close() : [])]
    const websocket = websocketUpgrade(this.#server, this.#proxies, this.#counts)
    this.#closers.push(websocket.close)
    const upgrade: Upgrade = hasClients ? websocket.upgrade : (_, socket) => socket.destroy()
    for (const door of ['https', 'http'] as const) {
      if (!this.#isWanted(door)) continue
      const counts = new DoorCounts(door === 'https' ? { ok: 0, failed: 0 } : undefined)
      this.#counts.set(door, counts)
      const clientOf = this.#proxies.clientOf.bind(this.#proxies)
      const parts = { config, log, upgrade, clientOf }
      const app = await createHttpServer(
        door === 'https'
          ? { ...parts, routes: answers, tls: this.#certificates.webOptions() }
          : { ...parts, routes: [...answers, this.#metrics(health, peers)] },
      )
      this.#proxies.guard(app.server, () => counts.refused.proxy++)
      counts.watch(app.server)
      app.server.maxConnections = this.#room.web
      this.#closers.push(() => closeWeb(app))
      if (door === 'https') this.#closers.push(this.#certificates.renew(app.server as never))
      const address = await this.#listen(door, app.server)
      if (door === 'https') this.#httpsPort = Number(address.slice(address.lastIndexOf(':') + 1))
    }
  }

  #metrics(health: Health, peers: PeerDoor | undefined): HttpRoute {
    const server = this.#server
    const { config, store } = server
    const process = new ProcessMetrics(server.version)
    this.#closers.push(() => process.close())
    const sources = [
      () => process.families(),
      () => serverFamilies(server),
      () => server.figures.flatMap(figures => figures()),
      () => listenerFamilies(this.#counts, this.pending),
      async () => storeFamilies(store, await health.roundTrip()),
      () => peers?.families() ?? [],
      () => certificateFamilies(this.#certificates, config.domains.keys()),
    ]
    return metricsRoute(config.metrics.allow, sources, this.#siblings)
  }

  async #listen(door: Door, listener: NetServer): Promise<string> {
    const address = await listenAt(listener, `listen.${door}`, this.#server.config.listen[door]!)
    this.addresses.set(door, address)
    // What happens to a listener later (too many open files) is no reason to fall down.
    listener.on('error', error => this.#server.log.error('a listener has a problem', { door, error }))
    return address
  }
}

/** Fastify closes only what it was asked to listen on itself. */
async function closeWeb(app: Awaited<ReturnType<typeof createHttpServer>>): Promise<void> {
  await app.close()
  if (!app.server.listening) return
  await new Promise<void>(resolve => {
    app.server.close(() => resolve())
    app.server.closeAllConnections()
  })
}
