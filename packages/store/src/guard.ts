import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import pg, { type Client } from 'pg'
import { StoreError } from './errors.ts'
import { isConnectionError } from './failures.ts'
import { clientConfig, type Target } from './link.ts'
import { lockClass, nodeLockClass, OWNERSHIP_LOCK } from './locks.ts'
import type { Log } from './store.ts'

/** How long the lock of a server that has just died may still be held: its backend has yet to notice. */
const HOLDER_PATIENCE = 3000
const NODES = 1024

export interface GuardOptions {
  readonly target: Target
  /** Hold the database for this process alone. */
  readonly exclusive: boolean
  /** What to call the database in messages. */
  readonly place: string
  readonly log: Log
  /** Brings the server back, where that is in our hands. */
  readonly revive: () => Promise<void>
  /** This process' number among those that write at the same time; may change after a loss of the connection. */
  readonly onNode: (node: number) => void
  /** Another server has taken the database while our connection was gone. */
  readonly onLost: (reason: StoreError) => void
}

/** What the connections of this process call themselves; another server that is refused reads it. */
export const APPLICATION = `parley ${process.pid} on ${hostname()}`.slice(0, 63)

/**
 * The connection whose life is the right to the database: session advisory locks vanish with it, so a dead owner
 * never has to be cleaned up after. When the connection is lost it is made again, and the locks are taken again.
 */
export class Guard {
  readonly #options: GuardOptions
  #client: Client | undefined
  #node = -1
  #closed = false
  #regaining: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(options: GuardOptions) {
    this.#options = options
  }

  /** Connects and takes the locks; rejects with `in-use`, `unsupported` or `unavailable`. Gives the server's version. */
  async open(): Promise<string> {
    const client = new pg.Client({ ...clientConfig(this.#options.target, APPLICATION), statement_timeout: 0 })
    let lost = false
    client.on('error', () => undefined)
    client.on('end', () => {
      lost = true
      this.#ended(client)
    })
    try {
      await client.connect()
      const version = await checkServer(client)
      if (this.#options.exclusive) await own(client, this.#options.place)
      await this.#takeNode(client)
      if (lost) throw new StoreError('unavailable', 'The database does not answer')
      this.#client = client
      return version
    } catch (error) {
      await client.end().catch(() => undefined)
      throw explain(error, this.#options.place)
    }
  }

  /** The connection itself, for the migrations. */
  get client(): Client {
    return this.#client!
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stop.abort()
    await this.#regaining
    await this.#client?.end().catch(() => undefined)
  }

  #ended(client: Client): void {
    if (this.#closed || this.#client !== client) return
    this.#client = undefined
    this.#options.log('warn', 'The connection to the database was lost')
    this.#regaining = this.#regain().finally(() => {
      this.#regaining = undefined
    })
  }

  async #regain(): Promise<void> {
    for (let pause = 50; !this.#closed; pause = Math.min(pause * 2, 2000)) {
      try {
        await this.#options.revive()
        await this.open()
        this.#options.log('info', 'The database is back')
        return
      } catch (error) {
        if (error instanceof StoreError && error.code === 'in-use') {
          this.#options.onLost(error)
          return
        }
        if (pause === 50) this.#options.log('error', (error as Error).message)
      }
      await delay(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  async #takeNode(client: Client): Promise<void> {
    const { rows } = await client.query<{ n: number }>(
      // Numbers are tried one by one, ours of before first, until one is free.
      `SELECT n FROM (SELECT ($1::int + i + ${NODES}) % ${NODES} AS n FROM generate_series(0, ${NODES - 1}) AS i) numbers
       WHERE pg_try_advisory_lock($2, n) LIMIT 1`,
      [Math.max(0, this.#node), nodeLockClass],
    )
    if (!rows[0]) throw new StoreError('unsupported', `More than ${NODES} servers use ${this.#options.place}`)
    this.#node = rows[0].n
    this.#options.onNode(this.#node)
  }
}

async function checkServer(client: Client): Promise<string> {
  const { rows } = await client.query<{ version: string; number: number; encoding: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
       current_setting('server_encoding') AS encoding`,
  )
  const { version, number, encoding } = rows[0]!
  if (number < 150_000) throw new StoreError('unsupported', `PostgreSQL ${version} is too old: 15 or newer is needed`)
  if (encoding !== 'UTF8')
    throw new StoreError('unsupported', `The database has encoding ${encoding}: create it with ENCODING 'UTF8'`)
  return version
}

async function own(client: Client, place: string): Promise<void> {
  const deadline = Date.now() + HOLDER_PATIENCE
  for (;;) {
    const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS got', [
      lockClass,
      OWNERSHIP_LOCK,
    ])
    if (rows[0]!.got) return
    const holder = await findHolder(client)
    if (holder && (isAlive(holder.name) || Date.now() > deadline)) {
      throw new StoreError(
        'in-use',
        `${place} is in use by ${holder.name}${holder.address ? ` (${holder.address})` : ''} since ${holder.since}: stop that server first, or choose another place`,
      )
    }
    await delay(30)
  }
}

interface Holder {
  readonly name: string
  readonly address: string | null
  readonly since: string
}

async function findHolder(client: Client): Promise<Holder | undefined> {
  const { rows } = await client.query<Holder>(
    `SELECT a.application_name AS name, host(a.client_addr) AS address, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = $2
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [lockClass, OWNERSHIP_LOCK],
  )
  return rows[0]
}

/** A process of this machine that still runs will not let go: no use in waiting. */
function isAlive(name: string): boolean {
  const [, pid, host] = /^parley (\d+) on (.+)$/.exec(name) ?? []
  if (pid === undefined || host === undefined || !hostname().startsWith(host)) return false
  try {
    return process.kill(Number(pid), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function explain(error: unknown, place: string): unknown {
  if (error instanceof StoreError || !isConnectionError(error)) return error
  return new StoreError('unavailable', `${place} cannot be reached: ${(error as Error).message}`, { cause: error })
}
