import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Cluster, Redis } from './ioredis.ts'

/** What an address says; the library's own type of options cannot be put together from parts. */
interface Address {
  readonly host?: string
  readonly port?: number
  readonly path?: string
  readonly username?: string
  readonly password?: string
  readonly db?: number
  readonly tls?: object
}

export type RedisLog = (level: 'info' | 'warn' | 'error', text: string) => void

export interface ServerEvents {
  /** A message on a channel that is subscribed to. */
  message(channel: string, text: string): void
  /** The connection for commands broke. */
  broken(): void
  /** Messages may have been missed. */
  deaf(): void
  /** Messages come (again). */
  hearing(): void
}

/** A call without an answer for so long is given up; it is made again on a new connection. */
const ANSWER = 5000
const SOURCE = readFileSync(new URL('../../functions/live.lua', import.meta.url), 'utf8')
const VERSION = createHash('sha256').update(SOURCE).digest('hex').slice(0, 12)
const FUNCTION = `parley_${VERSION}`
const LIBRARY = SOURCE.replaceAll('VERSION', VERSION)

/** The Redis server or cluster: one connection for calls, one that listens. */
export class Server {
  readonly isCluster: boolean
  readonly log: RedisLog
  readonly #client: Redis | Cluster
  readonly #listener: Redis | Cluster
  readonly #events: ServerEvents
  readonly #channels = new Set<string>()
  /** Calls that have no answer yet. */
  readonly #asked = new Set<(error: Error) => void>()
  #closed = false
  #isAway = false
  /** When Redis refused something last though it can be reached (ms, monotonic); 0: it takes everything. */
  #refused = 0
  reconnects = 0

  private constructor(client: Redis | Cluster, listener: Redis | Cluster, events: ServerEvents, log: RedisLog) {
    this.#client = client
    this.#listener = listener
    this.#events = events
    this.log = log
    this.isCluster = client instanceof Cluster
  }

  /**
   * Connects, checks version and settings, and loads the functions.
   * @throws Error with a sentence for the operator
   */
  static async open(url: string, events: ServerEvents, log: RedisLog): Promise<Server> {
    const { isCluster } = await inspectRedis(url, log)
    const nodes = nodesOf(url)
    const make = () => (isCluster ? clusterOf(nodes) : new Redis({ ...nodes[0]!, ...OPTIONS }))
    const server = new Server(make(), make(), events, log)
    server.#watch()
    await server.#load()
    return server
  }

  /** The number of buckets that keys are spread over: a cluster shares them among its nodes. */
  get buckets(): number {
    return this.isCluster ? 256 : 1
  }

  /** Resolves when there is a connection. */
  async ready(): Promise<void> {
    while (this.#client.status !== 'ready' && !this.#closed) {
      await new Promise<void>(resolve => {
        const done = () => {
          clearTimeout(timer)
          this.#client.off('ready', done)
          resolve()
        }
        const timer = setTimeout(done, 1000)
        this.#client.once('ready', done)
      })
    }
  }

  /** Rejects as soon as the connection breaks: the library would let it wait for its time to be over. */
  run(tag: string, args: readonly (string | number)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#asked.add(reject)
      this.#client
        .call('FCALL', FUNCTION, 1, tag, ...args)
        .finally(() => this.#asked.delete(reject))
        .then(answer => {
          if (this.#refused > 0) this.#takes()
          resolve(answer)
        }, reject)
    })
  }

  /** What cannot be listened to now is as soon as the connection is back. */
  async listen(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel)
    for (const channel of channels) await this.#listener.ssubscribe(channel)
  }

  async unlisten(channel: string): Promise<void> {
    this.#channels.delete(channel)
    await this.#listener.sunsubscribe(channel)
  }

  /** Whether an error says that Redis cannot answer now, so that the same call is to be made again. */
  isAway(error: unknown): boolean {
    const { message } = error as Error
    if (/Function not found/.test(message)) {
      this.#load().catch(() => undefined)
      return true
    }
    if (REFUSED.test(message)) this.#refuses(message)
    return AWAY.test(message)
  }

  pause(ms: number): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms))
  }

  close(): void {
    this.#closed = true
    this.#client.disconnect()
    this.#listener.disconnect()
  }

  /** It answers, but does not do what it is asked: full, without its disk, read-only. */
  #refuses(why: string): void {
    if (this.#refused === 0) this.log('error', `Redis takes no changes: ${why}; nothing is acknowledged until it does`)
    this.#refused = performance.now()
  }

  /** What is refused is tried again sooner; in a cluster one node may refuse while others do not. */
  #takes(): void {
    if (performance.now() - this.#refused < REFUSING) return
    this.#refused = 0
    this.log('info', 'Redis takes changes again')
  }

  #watch(): void {
    const client = this.#client
    const away = (why: string) => {
      if (this.#closed) return
      this.#events.broken()
      if (this.#isAway) return
      this.#isAway = true
      this.log('warn', `Redis is away: ${why}; nothing is acknowledged until it is back`)
    }
    client.on('close', () => {
      away('the connection is closed')
      for (const reject of this.#asked) reject(new Error('Connection is closed'))
      this.#asked.clear()
    })
    client.on('-node', () => this.#events.broken())
    client.on('+node', () => this.#events.broken())
    client.on('error', (error: Error) => away(error.message))
    client.on('ready', () => {
      if (this.#isAway) {
        this.reconnects++
        this.log('info', 'Redis is back')
      }
      this.#isAway = false
    })
    const listener = this.#listener
    listener.on('error', () => undefined) // The connection for calls tells of it.
    listener.on('close', () => this.#closed || this.#events.deaf())
    // Channels are subscribed to again by the library; then what was missed is looked for.
    listener.on('ready', () => {
      if (this.#channels.size > 0) void this.#listenAgain()
    })
    listener.on('smessage', (channel: string, text: string) => this.#events.message(channel, text))
  }

  async #listenAgain(): Promise<void> {
    try {
      for (const channel of this.#channels) await this.#listener.ssubscribe(channel)
      this.#events.hearing()
    } catch {
      // It broke again, and is told again.
    }
  }

  async #load(): Promise<void> {
    const masters = this.#client instanceof Cluster ? await clusterMasters(this.#client) : [this.#client]
    for (const master of masters) {
      await master.call('FUNCTION', 'LOAD', LIBRARY).catch((error: Error) => {
        if (!/already exists/.test(error.message)) throw error
      })
    }
  }
}

/**
 * Connects, and looks at version and settings; what is not as it should be, but can be lived with, goes to `log`.
 * @throws Error with a sentence for the operator
 */
export async function inspectRedis(url: string, log: RedisLog): Promise<{ version: string; isCluster: boolean }> {
  const nodes = nodesOf(url)
  const redis = new Redis({
    ...nodes[0]!,
    protocol: 2 as const,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let reason: Error | undefined
  redis.on('error', (error: Error) => {
    reason = error
  })
  try {
    await redis.connect()
    const version = await check(redis, log)
    return { version, isCluster: /cluster_enabled:1/.test(await redis.info('cluster')) }
  } catch (error) {
    throw new Error(`redis: ${describe(nodes)} cannot be used: ${(reason ?? (error as Error)).message}`)
  } finally {
    redis.disconnect()
  }
}

const OPTIONS = {
  protocol: 2 as const,
  // Calls that break are made again by the lanes, in their order.
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  commandTimeout: ANSWER,
  connectTimeout: 3000,
  // How often a Redis that reads its files is asked whether it has done (ms).
  maxLoadingRetryTime: 100,
  retryStrategy: (tries: number) => Math.min(20 * 2 ** Math.min(tries, 6), 1000),
}

const REFUSING = 1000
const REFUSED = /^(OOM|MISCONF|READONLY|NOREPLICAS|NOAUTH)/
const AWAY =
  /^(LOADING|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|READONLY|BUSY|OOM|MISCONF|NOREPLICAS|MOVED|ASK|NOAUTH)|[Cc]onnection|ECONN|ETIMEDOUT|EPIPE|timed out|Too many Cluster|Failed to refresh slots|ClusterAllFailed|None of startup nodes|Stream isn't writeable|flushed/

function clusterOf(nodes: readonly Address[]): Cluster {
  const { host: _h, port: _p, ...common } = nodes[0]!
  return new Cluster(
    nodes.map(({ host = '127.0.0.1', port = 6379 }) => ({ host, port })),
    { redisOptions: { ...common, ...OPTIONS }, shardedSubscribers: true, enableOfflineQueue: true },
  )
}

async function clusterMasters(cluster: Cluster): Promise<readonly Redis[]> {
  if (cluster.status !== 'ready') await new Promise(resolve => cluster.once('ready', resolve))
  return cluster.nodes('master')
}

/** Several addresses with commas between them belong to one cluster. */
function nodesOf(url: string): Address[] {
  const scheme = /^(rediss?|unix):\/\//.exec(url)?.[0]
  if (!scheme) throw new Error('redis: must be redis://host:port, rediss://…, or unix:///path')
  return url
    .slice(scheme.length)
    .split(',')
    .map(part => nodeOf(scheme + part))
}

function nodeOf(text: string): Address {
  const url = new URL(text)
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.pathname) }
  return {
    host: url.hostname || '127.0.0.1',
    port: Number(url.port || 6379),
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 && { db: Number(url.pathname.slice(1)) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  }
}

/** For people, without the password. */
function describe(nodes: readonly Address[]): string {
  return nodes.map(({ host, port, path }) => path ?? `${host}:${port}`).join(',')
}

/** What Redis must be like for the promises to hold; gives its version. */
async function check(redis: Redis, log: RedisLog): Promise<string> {
  const version = /redis_version:([\d.]+)/.exec(await redis.info('server'))?.[1] ?? '0'
  if (Number.parseInt(version, 10) < 7) throw new Error(`version 7 is needed, it is ${version}`)
  const setting = async (name: string) => {
    const answer = (await redis.call('CONFIG', 'GET', name).catch(() => [])) as string[]
    return answer[1]
  }
  const policy = await setting('maxmemory-policy')
  if (policy === undefined) {
    log('warn', 'Redis does not show its settings: it must run with maxmemory-policy noeviction and appendfsync always')
    return version
  }
  if (policy !== 'noeviction') throw new Error(`maxmemory-policy must be noeviction, it is ${policy}`)
  const [appendonly, fsync] = [await setting('appendonly'), await setting('appendfsync')]
  if (appendonly !== 'yes' || fsync !== 'always') {
    const is = appendonly === 'yes' ? `appendfsync ${fsync}` : 'no append-only file'
    log(
      'warn',
      `Redis runs with ${is}: when it restarts, clients cannot resume (appendonly yes, appendfsync always keep them)`,
    )
  }
  return version
}
