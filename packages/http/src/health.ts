import type { Server } from '@xmpp/server-core'
import type { HttpRoute } from './routes.ts'

/** What store and live state have to answer, in milliseconds. */
const PATIENCE = 2000

/** What is asked of a server to know whether it can serve. */
export type Asked = Pick<Server, 'clock' | 'draining'> & {
  readonly store: Pick<Server['store'], 'health'>
  readonly live: Pick<Server['live'], 'count'>
}

/** Looks whether a server can serve; many who ask at once cost one look. */
export class Health {
  readonly #server: Asked
  #roundTrip: Promise<number | undefined> | undefined
  #live: Promise<boolean> | undefined

  constructor(server: Asked) {
    this.#server = server
  }

  /** Milliseconds to the database and back; undefined where it does not answer in time. */
  roundTrip(): Promise<number | undefined> {
    this.#roundTrip ??= this.#inTime(() => this.#server.store.health(), undefined).finally(() => {
      this.#roundTrip = undefined
    })
    return this.#roundTrip
  }

  /** Why the server can not serve now; undefined where it can. */
  async problem(): Promise<string | undefined> {
    if (this.#server.draining) return 'the server is going down'
    const [roundTrip, live] = await Promise.all([this.roundTrip(), this.#isLive()])
    if (roundTrip === undefined) return 'the database does not answer'
    if (!live) return 'the live state does not answer'
    return this.#server.draining ? 'the server is going down' : undefined
  }

  #isLive(): Promise<boolean> {
    this.#live ??= this.#inTime(async () => (await this.#server.live.count()) >= 0, false).finally(() => {
      this.#live = undefined
    })
    return this.#live
  }

  async #inTime<T, F>(ask: () => Promise<T>, otherwise: F): Promise<T | F> {
    let stop = () => {}
    const late = new Promise<F>(resolve => {
      stop = this.#server.clock.after(PATIENCE, () => resolve(otherwise))
    })
    try {
      return await Promise.race([ask(), late])
    } catch {
      return otherwise
    } finally {
      stop()
    }
  }
}

/** For supervisors and load balancers, which come by address and not by name. */
export function healthRoutes(health: Pick<Health, 'problem'>): HttpRoute[] {
  return [
    { method: 'GET', path: '/health/live', anyHost: true, answer: () => ({ body: 'live\n' }) },
    {
      method: 'GET',
      path: '/health/ready',
      anyHost: true,
      async answer() {
        const problem = await health.problem()
        return problem === undefined ? { body: 'ready\n' } : { status: 503, body: `not ready: ${problem}\n` }
      },
    },
  ]
}
