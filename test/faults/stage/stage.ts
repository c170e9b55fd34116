import { chmodSync, mkdirSync } from 'node:fs'
import { freePorts } from './child.ts'
import { Front } from './front.ts'
import { Postgres } from './postgres.ts'
import { Redis } from './redis.ts'
import { Way } from './way.ts'

export interface StageParts {
  /** `parley.js` of the build that runs. */
  readonly program: string
  readonly folder: string
  readonly fronts: number
  /** One process, embedded engine, live state in memory. */
  readonly embedded?: boolean
  /** Every connection goes through a proxy. */
  readonly proxies?: boolean
}

/** The ways of one front end through the network. */
export interface Ways {
  readonly redis: Way
  readonly postgres: Way
  readonly clients: Way
}

/** Everything that runs: front ends, PostgreSQL, Redis, and what is between them. */
export class Stage {
  readonly fronts: readonly Front[]
  readonly ways: readonly Ways[]
  readonly postgres: Postgres | undefined
  readonly redis: Redis | undefined
  /** Where clients connect, by front end. */
  readonly ports: readonly number[]

  private constructor(parts: Pick<Stage, 'fronts' | 'ways' | 'postgres' | 'redis' | 'ports'>) {
    this.fronts = parts.fronts
    this.ways = parts.ways
    this.postgres = parts.postgres
    this.redis = parts.redis
    this.ports = parts.ports
  }

  static async open(parts: StageParts): Promise<Stage> {
    const { folder, embedded = false } = parts
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o711)
    const stage = embedded ? await openEmbedded(parts) : await openShared(parts)
    // The first brings the database up to date; two at once would wait for each other.
    for (const front of stage.fronts) await front.start()
    return stage
  }

  static make(parts: Pick<Stage, 'fronts' | 'ways' | 'postgres' | 'redis' | 'ports'>): Stage {
    return new Stage(parts)
  }

  async close(): Promise<void> {
    // The embedded engine is ended by its owner.
    await Promise.all(this.fronts.map(front => (this.postgres ? front.kill() : front.drain())))
    for (const { redis, postgres, clients } of this.ways) {
      await Promise.all([redis.close(), postgres.close(), clients.close()])
    }
    await Promise.all([this.redis?.kill(), this.postgres?.stop()])
  }
}

async function openEmbedded({ program, folder }: StageParts): Promise<Stage> {
  const [port] = (await freePorts(1)) as [number]
  const front = new Front({ program, folder, name: 'front-0', port })
  return Stage.make({ fronts: [front], ways: [], postgres: undefined, redis: undefined, ports: [port] })
}

async function openShared({ program, folder, fronts: count, proxies = false }: StageParts): Promise<Stage> {
  const [pg, rd, ...free] = (await freePorts(2 + count)) as [number, number, ...number[]]
  const postgres = await Postgres.open(folder, pg)
  const redis = await Redis.open(folder, rd)
  const fronts: Front[] = []
  const ways: Ways[] = []
  for (const [index, port] of free.entries()) {
    const way = proxies ? await openWays(pg, rd, port) : undefined
    if (way) ways.push(way)
    const database = `postgres://postgres@127.0.0.1:${way?.postgres.port ?? pg}/postgres`
    const url = `redis://127.0.0.1:${way?.redis.port ?? rd}`
    fronts.push(new Front({ program, folder, name: `front-${index}`, port, database, redis: url }))
  }
  const ports = proxies ? ways.map(({ clients }) => clients.port) : fronts.map(({ port }) => port)
  return Stage.make({ fronts, ways, postgres, redis, ports })
}

async function openWays(postgres: number, redis: number, clients: number): Promise<Ways> {
  return {
    redis: await Way.open(redis),
    postgres: await Way.open(postgres),
    clients: await Way.open(clients),
  }
}
