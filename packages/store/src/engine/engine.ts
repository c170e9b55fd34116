import type { ChildProcess } from 'node:child_process'
import { rmdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { StoreError } from '../errors.ts'
import type { Target } from '../link.ts'
import type { Log } from '../store.ts'
import { engineBinaries } from './binaries.ts'
import { Cluster } from './cluster.ts'
import { preparePlace } from './place.ts'
import { engineUser } from './user.ts'

/** Recovery after a crash may have to replay some hundred megabytes of WAL. */
const START_PATIENCE = 120_000
const STOP_PATIENCE = 30_000
const MAX_STARTS = 6
const STARTING_UP = '57P03'

/** A PostgreSQL server that belongs to one data folder. It outlives us when we die; the next start adopts it. */
export class Engine {
  readonly #cluster: Cluster
  readonly #log: Log
  #child: ChildProcess | undefined
  #stopping = false

  constructor(cluster: Cluster, log: Log) {
    this.#cluster = cluster
    this.#log = log
  }

  get folder(): string {
    return this.#cluster.place.folder
  }

  target(database = 'postgres'): Target {
    return { host: this.#cluster.place.sockets, port: 5432, user: 'postgres', database }
  }

  /** Resolves when the server accepts connections: one that runs is adopted, else it is started. */
  async ensureRunning(): Promise<void> {
    const deadline = Date.now() + START_PATIENCE
    let starts = 0
    for (let pause = 5; ; pause = Math.min(pause * 2, 50)) {
      if (this.#stopping) throw new StoreError('closed', 'The store is closed')
      const problem = await this.#knock()
      if (problem === undefined) return
      if ((await this.#cluster.pid()) === undefined && !this.#isRunning()) {
        // A start may fail a few times: the last processes of a killed server still hold its memory.
        if (starts > 0) await delay(50 * starts)
        if (starts++ < MAX_STARTS) this.#child = await this.#cluster.spawn()
      }
      if (Date.now() > deadline || starts > MAX_STARTS) {
        throw new StoreError(
          'unavailable',
          `The embedded database does not answer: ${problem}\n${await this.#cluster.lastWords()}`,
        )
      }
      await delay(pause)
    }
  }

  /** Stops the server ("fast": open transactions are rolled back) and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#halt()
    const { sockets, folder } = this.#cluster.place
    if (!sockets.startsWith(folder)) await rmdir(sockets).catch(() => undefined)
  }

  async #halt(): Promise<void> {
    const pid = (await this.#cluster.pid()) ?? (this.#isRunning() ? this.#child?.pid : undefined)
    if (pid === undefined) return
    process.kill(pid, 'SIGINT')
    const deadline = Date.now() + STOP_PATIENCE
    while ((await this.#cluster.pid()) !== undefined || this.#isRunning()) {
      if (Date.now() > deadline) {
        this.#log('warn', `The embedded database (process ${pid}) has not stopped yet`)
        return
      }
      await delay(10)
    }
  }

  #isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Undefined when the server answers, else why it does not. */
  async #knock(): Promise<string | undefined> {
    const client = new pg.Client({ ...this.target(), connectionTimeoutMillis: 2000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return undefined
    } catch (error) {
      return (error as { code?: string }).code === STARTING_UP ? 'it is starting or stopping' : (error as Error).message
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

/** Starts, or adopts, the engine of a data folder. `fsync: false` is for tests. */
export async function startEngine(data: string, log: Log, fsync: boolean): Promise<Engine> {
  const user = await engineUser()
  const place = await preparePlace(data, user, log)
  const cluster = new Cluster(place, await engineBinaries(user, place.folder, log), user, fsync)
  const began = Date.now()
  if (await cluster.create()) log('info', `Created the embedded database in ${place.folder} (${Date.now() - began} ms)`)
  const engine = new Engine(cluster, log)
  await engine.ensureRunning()
  return engine
}
