import { randomUUID } from 'node:crypto'
import { type Live, memoryLive, redisLive } from '@parley/live'
import type { Server } from '@xmpp/server-core'
import type { FakeClock } from './clock.ts'

/** Two front ends with two workers each: from here that is four processes on one database and one Redis. */
const CLUSTER = 4

/** The processes of one server. With `TARGET=cluster` clients are spread over several that share database and Redis. */
export class Nodes {
  readonly #servers: readonly Server[]
  #used = 0
  #stopped = false
  /** How often what was said in a round of {@link settled} has been heard; several rounds may be under way. */
  readonly #heard = new Map<string, number>()

  private constructor(servers: readonly Server[]) {
    this.#servers = servers
    for (const server of servers) {
      server.hear('settled', mark => {
        const times = this.#heard.get(mark)
        if (times !== undefined) this.#heard.set(mark, times + 1)
      })
    }
  }

  static async start(clock: FakeClock, start: (live: Live) => Promise<Server>): Promise<Nodes> {
    const timing = {
      now: () => clock.monotonic(),
      time: () => clock.now(),
      every: (task: () => void) => clock.every(1000, task),
    }
    if (process.env['TARGET'] !== 'cluster') return new Nodes([await start(memoryLive(timing))])
    const url = process.env['PARLEY_TEST_REDIS']
    if (!url) throw new Error('TARGET=cluster needs Redis: install redis-server, or set PARLEY_TEST_REDIS')
    const prefix = `test:${randomUUID()}:`
    const lives = Array.from({ length: CLUSTER }, () => redisLive({ ...timing, ahead: timing.now, url, prefix }))
    return new Nodes(await Promise.all(lives.map(async live => start(await live))))
  }

  get first(): Server {
    return this.#servers[0]!
  }

  /** The process that the next client reaches. */
  next(): Server {
    return this.#servers[this.#used++ % this.#servers.length]!
  }

  sum(count: (server: Server) => number): number {
    return this.#servers.reduce((sum, server) => sum + count(server), 0)
  }

  /**
   * Resolves when what was under way has come: stanzas are handled, ends finished, and what one process told another was
   * heard. Twice, since what is heard may be passed on.
   */
  async settled(): Promise<void> {
    if (this.#servers.length === 1 || this.#stopped) return
    for (let round = 0; round < 2; round++) {
      for (const server of this.#servers) {
        for (const session of server.sessions.values()) await soon(session.drained())
        await soon(server.finished())
        await server.live.count()
      }
      await this.#exchange()
    }
  }

  get lives(): readonly Live[] {
    return this.#servers.map(({ live }) => live)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#servers.map(server => server.stop()))
  }

  /** Everybody says something to everybody; it comes behind all that was said before. */
  async #exchange(): Promise<void> {
    const mark = randomUUID()
    this.#heard.set(mark, 0)
    for (const { live } of this.#servers) live.tell('settled', mark)
    // Each says it once, and nobody hears himself.
    const pairs = this.#servers.length * (this.#servers.length - 1)
    while (this.#heard.get(mark)! < pairs) await new Promise<void>(resolve => setImmediate(resolve))
    this.#heard.delete(mark)
  }
}

/** Some plays hold the database back: what waits for it is not waited for. */
export async function soon(task: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>(resolve => {
    timer = setTimeout(resolve, PATIENCE)
  })
  await Promise.race([task, enough])
  clearTimeout(timer)
}

const PATIENCE = 100
