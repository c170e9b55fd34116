import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Listeners, listenerModules, openListeners } from '@parley/c2s'
import { HttpRoutes } from '@parley/http'
import { memoryLive, redisLive } from '@parley/live'
import { modules } from '@parley/modules'
import type { Fetcher } from '@parley/net'
import { type Federation, openFederation } from '@parley/s2s'
import type { Store } from '@parley/store'
import { closeStore, emptyStore, FakeClock } from '@parley/testkit'
import { Certificates } from '@parley/wire'
import { type AnyModule, aboutRoles, configSchema, createLogger, resolveDomains, Server } from '@xmpp/server-core'

const ANY = '127.0.0.1:0'

/** What a front end does not have for itself. */
export interface Shared {
  readonly clock?: FakeClock
  /** It stays open when the front end closes. */
  readonly store?: Store
  readonly redis?: { readonly url: string; readonly prefix: string }
  /** Gets documents from web servers of other domains. */
  readonly fetch?: Fetcher
  /** Besides those that every server has. */
  readonly modules?: readonly AnyModule[]
}

/** A whole server behind real listeners on loopback; its time stands still unless a test moves it. */
export class Front {
  readonly server: Server
  readonly federation: Federation | undefined
  readonly listeners: Listeners
  readonly certificates: Certificates
  readonly clock: FakeClock
  /** What the server logged as an error. */
  readonly errors: string[]
  readonly #folder: string
  readonly #store: Store | undefined
  #state: 'open' | 'dead' | 'closed' = 'open'

  private constructor(
    parts: Pick<Front, 'server' | 'federation' | 'listeners' | 'certificates' | 'clock' | 'errors'>,
    folder: string,
    store: Store | undefined,
  ) {
    this.server = parts.server
    this.federation = parts.federation
    this.listeners = parts.listeners
    this.certificates = parts.certificates
    this.clock = parts.clock
    this.errors = parts.errors
    this.#folder = folder
    this.#store = store
  }

  /** Alone, with an empty store and a clock of its own, unless it is given what it shares with others, or has from an earlier one. */
  static async open(settings: Record<string, unknown>, shared: Shared = {}): Promise<Front> {
    const folder = await mkdtemp(join(tmpdir(), 'front-'))
    const config = resolveDomains(
      configSchema.parse({
        data: folder,
        listen: { client: ANY, clientTls: ANY, server: ANY, serverTls: ANY, component: ANY, http: ANY, https: ANY },
        auth: { iterations: 4096 },
        limits: { connections: 0, logins: 0, stanzas: 0 },
        ...settings,
      }),
    )
    const { clock = new FakeClock(Date.now()) } = shared
    const errors: string[] = []
    const log = createLogger({ level: 'error', format: 'json', sink: { write: line => void errors.push(line) } })
    const store = shared.store ?? (await emptyStore(() => clock.now()))
    const timing = {
      now: () => clock.monotonic(),
      time: () => clock.now(),
      every: (task: () => void) => clock.every(1000, task),
    }
    const { redis } = shared
    const live = redis ? await redisLive({ ...timing, ...redis, ahead: timing.now }) : memoryLive(timing)
    const all = [...modules, ...(shared.modules ?? []), ...listenerModules(config.tls.client)]
    const server = await Server.start({ config, store, live, log, clock, modules: all })
    const certificates = await Certificates.open({ config, log, clock })
    const federation = await openFederation(server, certificates, shared.fetch ? { fetch: shared.fetch } : {})
    const listeners = await openListeners(server, certificates, new HttpRoutes(), { peers: federation })
    live.describe(aboutRoles(config))
    return new Front({ server, federation, listeners, certificates, clock, errors }, folder, shared.store)
  }

  port(door: 'client' | 'clientTls' | 'server' | 'serverTls' | 'component' | 'http' | 'https'): number {
    return Number(this.listeners.addresses.get(door)?.split(':').at(-1))
  }

  /** Waits, for a few seconds at most, until something that needs no more than turns of the event loop is so. */
  async until(so: () => boolean): Promise<void> {
    const end = performance.now() + 15_000
    while (!so()) {
      if (performance.now() > end) throw new Error(`This never came true: ${so}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** As if it were killed: what it has to say from now on is not heard, and what it complains of does not count. */
  async die(): Promise<void> {
    this.#state = 'dead'
    this.federation?.close()
    await this.server.live.stop()
  }

  /** Ends in order; `abruptly`: what other domains have not confirmed is not waited for. */
  async close({ abruptly = true } = {}): Promise<void> {
    if (this.#state === 'closed') return
    const wasDead = this.#state === 'dead'
    this.#state = 'closed'
    if (abruptly) this.federation?.close()
    if (!wasDead) await this.server.stop()
    this.federation?.close()
    const closed = this.listeners.close()
    this.clock.advance(5000)
    await closed
    this.certificates.close()
    if (!this.#store) await closeStore()
    await rm(this.#folder, { recursive: true })
    if (this.errors.length > 0 && !wasDead) throw new Error(`The server complained:\n${this.errors.join('')}`)
  }
}
