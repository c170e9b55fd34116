import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg, { type ClientConfig, type CustomTypesConfig, type QueryResult } from 'pg'
import { StoreError } from './errors.ts'
import { isConnectionError } from './failures.ts'
import type { Statement } from './sql.ts'

/** Where the database is; the password stays inside. */
export type Target = Pick<ClientConfig, 'connectionString' | 'host' | 'port' | 'user' | 'database'>

const INT8 = 20
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format)) as CustomTypesConfig['getTypeParser'],
}

/**
 * Every statement finds its rows by an index. Left to itself the planner takes a table for tiny that was empty when it
 * looked (the marks of delivered messages always seem so), scans it, and keeps that plan while the table grows; and it gathers a
 * whole conversation in a bitmap and sorts it, where the index has its last rows in order.
 */
const PLANNER =
  '-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off'

/** What every connection of the store has in common. */
export function clientConfig(target: Target, name: string): ClientConfig {
  return {
    ...target,
    types,
    application_name: name,
    keepAlive: true,
    connectionTimeoutMillis: 5000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    options: PLANNER,
  }
}

const CONNECT_PATIENCE = 5000
/** How often a connection is looked at whether it still answers (ms). */
const LOOK_EVERY = 5000
/**
 * A connection that owes an answer for so many looks is dead: longer than the statement timeout. Looks are counted, not time, so that
 * a process that was held up itself does not take its connections for dead.
 */
const STALLED = 9
/** A prepared statement that is unknown or whose result type has changed: only a new connection helps. */
const STALE_STATEMENT = new Set(['26000', '0A000'])

/**
 * One connection on which statements overtake no one: they are sent without waiting for each other's answers
 * (pipelining) and answered in order. Connects when first used, and again after a loss; waits a few seconds for a
 * database that is just starting.
 */
export class Link {
  readonly #config: ClientConfig
  readonly #watch: NodeJS.Timeout
  #client: pg.Client | undefined
  #connecting: Promise<pg.Client> | undefined
  #socket: Socket | undefined
  /** Looks since the last answer. */
  #looks = 0
  #closed = false
  #barred: StoreError | undefined
  /** Statements that wait for their answers. */
  pending = 0

  constructor(config: ClientConfig) {
    this.#config = config
    this.#watch = setInterval(() => this.look(), LOOK_EVERY).unref()
  }

  async query<R>(statement: Statement<R>, values: readonly unknown[]): Promise<QueryResult<R & object>> {
    if (this.#barred) throw this.#barred
    this.pending++
    try {
      const client = this.#client ?? (await this.#connect())
      return await client.query<R & object>({ name: statement.name, text: statement.text, values: values as unknown[] })
    } catch (error) {
      throw this.#explain(error)
    } finally {
      this.pending--
      this.#looks = 0
    }
  }

  /** Cuts a connection that has stopped answering: a lost network does not say so. It is called by itself. */
  look(): void {
    if (this.#client && this.pending > 0 && ++this.#looks >= STALLED) this.#socket?.destroy()
  }

  /** From now on every call rejects with `reason`. */
  bar(reason: StoreError): void {
    this.#barred ??= reason
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#watch)
    const client = this.#client ?? (await this.#connecting?.catch(() => undefined))
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  #connect(): Promise<pg.Client> {
    if (this.#closed) throw new StoreError('closed', 'The store is closed')
    this.#connecting ??= this.#connectPatiently().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connectPatiently(): Promise<pg.Client> {
    const deadline = Date.now() + CONNECT_PATIENCE
    for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
      const socket = new Socket()
      const client = new pg.Client({ ...this.#config, pipeline: true, stream: () => socket })
      const forget = () => {
        if (this.#client === client) this.#client = undefined
      }
      client.on('error', forget)
      client.on('end', forget)
      try {
        await client.connect()
        this.#socket = socket
        this.#client = client
        this.#looks = 0
        return client
      } catch (error) {
        socket.destroy()
        if (this.#closed || !isConnectionError(error) || Date.now() + pause > deadline) throw error
        await delay(pause)
      }
    }
  }

  #explain(error: unknown): unknown {
    if (STALE_STATEMENT.has((error as { code?: string }).code ?? '')) {
      const client = this.#client
      this.#client = undefined
      void client?.end().catch(() => undefined)
    }
    if (error instanceof StoreError || !isConnectionError(error)) return error
    return new StoreError('unavailable', 'The database does not answer', { cause: error })
  }
}
