import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { NameServer } from '../../federation/dns.ts'
import { freePorts } from '../../ports.ts'
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
  /** Two servers of so many front ends each, of different domains, which federate. */
  readonly neighbours?: boolean
}

/** The domains of two servers that are neighbours. */
export const DOMAINS = ['east.test', 'west.test'] as const

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
  /** The server of the other domain, where there are two. */
  neighbour: Stage | undefined
  #names: NameServer | undefined

  private constructor(parts: Pick<Stage, 'fronts' | 'ways' | 'postgres' | 'redis' | 'ports'>) {
    this.fronts = parts.fronts
    this.ways = parts.ways
    this.postgres = parts.postgres
    this.redis = parts.redis
    this.ports = parts.ports
  }

  static async open(parts: StageParts): Promise<Stage> {
    const { folder, embedded = false } = parts
    if (parts.neighbours) return openNeighbours(parts)
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o711)
    const stage = embedded ? await openEmbedded(parts) : await openShared(parts)
    await stage.start()
    return stage
  }

  /** Those of the neighbour too. */
  get everyFront(): readonly Front[] {
    return [...this.fronts, ...(this.neighbour?.fronts ?? [])]
  }

  async start(): Promise<void> {
    // The first brings the database up to date; two at once would wait for each other.
    for (const front of this.fronts) await front.start()
  }

  /** Gives it a neighbour, and the name server that both ask. */
  join(neighbour: Stage, names: NameServer): void {
    this.neighbour = neighbour
    this.#names = names
  }

  static make(parts: Pick<Stage, 'fronts' | 'ways' | 'postgres' | 'redis' | 'ports'>): Stage {
    return new Stage(parts)
  }

  async close(): Promise<void> {
    await this.neighbour?.close()
    // The embedded engine is ended by its owner.
    await Promise.all(this.fronts.map(front => (this.postgres ? front.kill() : front.drain())))
    for (const { redis, postgres, clients } of this.ways) {
      await Promise.all([redis.close(), postgres.close(), clients.close()])
    }
    await Promise.all([this.redis?.kill(), this.postgres?.stop(), this.#names?.close()])
  }
}

async function openEmbedded({ program, folder }: StageParts): Promise<Stage> {
  const [port] = (await freePorts(1)) as [number]
  const front = new Front({ program, folder, name: 'front-0', port })
  return Stage.make({ fronts: [front], ways: [], postgres: undefined, redis: undefined, ports: [port] })
}

async function openNeighbours(parts: StageParts): Promise<Stage> {
  const names = await NameServer.open()
  names.set('localhost', { type: 'A', address: '127.0.0.1' })
  const open = async (domain: string) => {
    const folder = join(parts.folder, domain)
    mkdirSync(folder, { recursive: true })
    chmodSync(parts.folder, 0o711)
    chmodSync(folder, 0o711)
    const doors = await freePorts(parts.fronts)
    const door = { type: 'SRV', priority: 1, weight: 1, target: 'localhost' } as const
    names.set(`_xmpp-server._tcp.${domain}`, ...doors.map(port => ({ ...door, port })))
    return openShared({ ...parts, folder }, { domain, doors, names: `${names.address}:${names.port}` })
  }
  const [east, west] = [await open(DOMAINS[0]), await open(DOMAINS[1])]
  east.join(west, names)
  await Promise.all([east.start(), west.start()])
  return east
}

async function openShared(
  { program, folder, fronts: count, proxies = false }: StageParts,
  federation?: { readonly domain: string; readonly names: string; readonly doors: readonly number[] },
): Promise<Stage> {
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
    const door = federation && { ...federation, port: federation.doors[index]! }
    const parts = { program, folder, name: `front-${index}`, port, database, redis: url }
    fronts.push(new Front({ ...parts, ...(door && { federation: door }) }))
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
