import pg, { type ClientConfig, type PoolClient } from 'pg'
import { StoreError } from './errors.ts'
import { isConflict, isConnectionError } from './failures.ts'
import { clientConfig, Link, type Target } from './link.ts'
import type { Queryable, Statement } from './sql.ts'

const TRANSACTIONS = 2
const TRIES = 4

/**
 * The way to the database: single statements on a few pipelined connections, each on the one with the least to do;
 * transactions on a pool of their own. Statements that are not awaited one after another may run in any order.
 */
export class Database implements Queryable {
  readonly #links: readonly Link[]
  readonly #pool: pg.Pool
  #barred: StoreError | undefined

  constructor(target: Target, name: string, size: number) {
    const config: ClientConfig = clientConfig(target, name)
    this.#links = Array.from({ length: Math.max(1, size) }, () => new Link(config))
    const pool = { max: TRANSACTIONS, idleTimeoutMillis: 60_000, query_timeout: 45_000 }
    this.#pool = new pg.Pool({ ...config, ...pool, pipeline: true })
    this.#pool.on('error', () => undefined) // an idle connection was lost: the pool makes another
  }

  async rows<R>(statement: Statement<R>, ...values: readonly unknown[]): Promise<R[]> {
    return (await this.#link().query(statement, values)).rows
  }

  async row<R>(statement: Statement<R>, ...values: readonly unknown[]): Promise<R | undefined> {
    return (await this.#link().query(statement, values)).rows[0]
  }

  async run(statement: Statement<unknown>, ...values: readonly unknown[]): Promise<number> {
    return (await this.#link().query(statement, values)).rowCount ?? 0
  }

  /** Commits when `work` resolves. `work` may run again after a conflict with another transaction. */
  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      if (this.#barred) throw this.#barred
      try {
        return await this.#attempt(work)
      } catch (error) {
        if (isConflict(error) && tries < TRIES) continue
        if (error instanceof StoreError || !isConnectionError(error)) throw error
        throw new StoreError('unavailable', 'The database does not answer', { cause: error })
      }
    }
  }

  /** From now on every call rejects with `reason`. */
  bar(reason: StoreError): void {
    this.#barred ??= reason
    for (const link of this.#links) link.bar(reason)
  }

  async close(): Promise<void> {
    this.#barred ??= new StoreError('closed', 'The store is closed')
    await Promise.all([...this.#links.map(link => link.close()), this.#pool.end().catch(() => undefined)])
  }

  async #attempt<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    let broken: Error | undefined
    try {
      // The first statements do not wait for the answer; where there is no transaction they fail as well.
      const begun = client.query('BEGIN')
      begun.catch(() => {})
      const result = await work(new Transaction(client))
      await begun
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken = failure
      })
      throw error
    } finally {
      client.release(broken)
    }
  }

  #link(): Link {
    let best = this.#links[0]!
    for (const link of this.#links) {
      if (link.pending === 0) return link
      if (link.pending < best.pending) best = link
    }
    return best
  }
}

class Transaction implements Queryable {
  readonly #client: PoolClient

  constructor(client: PoolClient) {
    this.#client = client
  }

  async rows<R>(statement: Statement<R>, ...values: readonly unknown[]): Promise<R[]> {
    const result = await this.#client.query<R & object>({ ...statement, values: values as unknown[] })
    return result.rows
  }

  async row<R>(statement: Statement<R>, ...values: readonly unknown[]): Promise<R | undefined> {
    return (await this.rows(statement, ...values))[0]
  }

  async run(statement: Statement<unknown>, ...values: readonly unknown[]): Promise<number> {
    return (await this.#client.query({ ...statement, values: values as unknown[] })).rowCount ?? 0
  }
}
