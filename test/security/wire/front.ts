import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Listeners, listenerModules, openListeners } from '@parley/c2s'
import { HttpRoutes } from '@parley/http'
import { memoryLive } from '@parley/live'
import { modules } from '@parley/modules'
import { type Federation, type Fetcher, openFederation } from '@parley/s2s'
import { closeStore, emptyStore, FakeClock } from '@parley/testkit'
import { Certificates } from '@parley/wire'
import { configSchema, createLogger, resolveDomains, Server } from '@xmpp/server-core'

const ANY = '127.0.0.1:0'

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

  private constructor(
    parts: Pick<Front, 'server' | 'federation' | 'listeners' | 'certificates' | 'clock' | 'errors'>,
    folder: string,
  ) {
    this.server = parts.server
    this.federation = parts.federation
    this.listeners = parts.listeners
    this.certificates = parts.certificates
    this.clock = parts.clock
    this.errors = parts.errors
    this.#folder = folder
  }

  /** @param fetch gets documents from web servers of other domains */
  static async open(settings: Record<string, unknown>, { fetch }: { readonly fetch?: Fetcher } = {}): Promise<Front> {
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
    const clock = new FakeClock(Date.now())
    const errors: string[] = []
    const log = createLogger({ level: 'error', format: 'json', sink: { write: line => void errors.push(line) } })
    const store = await emptyStore(() => clock.now())
    const live = memoryLive({
      now: () => clock.monotonic(),
      time: () => clock.now(),
      every: task => clock.every(1000, task),
    })
    const all = [...modules, ...listenerModules(config.tls.client)]
    const server = await Server.start({ config, store, live, log, clock, modules: all })
    const certificates = await Certificates.open({ config, log, clock })
    const federation = await openFederation(server, certificates, fetch ? { fetch } : {})
    const listeners = await openListeners(server, certificates, new HttpRoutes(), { peers: federation })
    return new Front({ server, federation, listeners, certificates, clock, errors }, folder)
  }

  port(door: 'client' | 'clientTls' | 'server' | 'serverTls' | 'component' | 'http' | 'https'): number {
    return Number(this.listeners.addresses.get(door)?.split(':').at(-1))
  }

  /** Waits, for a few seconds at most, until something that needs no more than turns of the event loop is so. */
  async until(so: () => boolean): Promise<void> {
    const end = performance.now() + 5000
    while (!so()) {
      if (performance.now() > end) throw new Error(`This never came true: ${so}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  async close(): Promise<void> {
    this.federation?.close()
    await this.server.stop()
    const closed = this.listeners.close()
    this.clock.advance(5000)
    await closed
    this.certificates.close()
    await closeStore()
    await rm(this.#folder, { recursive: true })
    if (this.errors.length > 0) throw new Error(`The server complained:\n${this.errors.join('')}`)
  }
}
