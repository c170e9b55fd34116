import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freePorts } from '../../ports.ts'
import { ROOT } from '../../root.ts'
import { Child } from './child.ts'
import { startPostgres, startRedis } from './database.ts'
import { findPostgres, findProgram } from './programs.ts'
import { type BenchServer, DOMAIN, knock, type Place, type Setup } from './server.ts'

/** As `npm start` and the systemd unit start it (docs/decisions/0002-young-generation.md). */
const NODE_OPTIONS = ['--max-semi-space-size=64']
const PROGRAM = join(ROOT, 'services/parley/bin/parley.js')

interface Node {
  readonly child: Child
  readonly client: number
  readonly http: number
}

/** What the nodes of one run share: URLs. */
interface Shared {
  readonly database: string | undefined
  readonly redis: string | undefined
}

export const parley: BenchServer = {
  name: 'parley',

  async missing({ nodes, database }) {
    if ((nodes > 1 || database === 'installed') && !findPostgres()) return 'no PostgreSQL is installed'
    if (nodes === 1) return undefined
    if (!findProgram('redis-server')) return 'no Redis is installed'
    return (await knowsRedis()) ? undefined : 'not available: the server has no key `redis`'
  },

  async start(place, setup) {
    // The engine runs as another user where we are root.
    chmodSync(place.folder, 0o711)
    const started: { readonly pid: number; stop(): Promise<void> }[] = []
    const stop = async () => {
      for (const part of started.reverse()) await part.stop()
    }
    try {
      const many = setup.nodes > 1
      const database = many || setup.database === 'installed' ? await startPostgres(place) : undefined
      if (database) started.push(database)
      const redis = many ? await startRedis(place) : undefined
      if (redis) started.push(redis)
      const nodes: Node[] = []
      for (let index = 0; index < setup.nodes; index++) {
        const node = await launch(place, setup, index, { database: database?.url, redis: redis?.url })
        nodes.push(node)
        started.push(node.child)
        await node.child.until(() => knock(node.client))
      }
      return {
        ports: nodes.map(({ client }) => client),
        pids: started.map(({ pid }) => pid),
        metrics: `http://127.0.0.1:${nodes[0]!.http}/metrics`,
        lastWords: () => nodes.map(({ child }) => child.lastWords).join(' · '),
        stop,
      }
    } catch (error) {
      await stop()
      throw error
    }
  },
}

/** One front end; all share the core of the server. */
async function launch({ folder, core }: Place, setup: Setup, index: number, shared: Shared): Promise<Node> {
  const [client, http] = (await freePorts(2)) as [number, number]
  const data = join(folder, `data-${index}`)
  mkdirSync(data)
  chmodSync(data, 0o711)
  const file = join(folder, `parley-${index}.yaml`)
  writeFileSync(file, configuration({ data, client, http }, setup, shared))
  const child = new Child({
    command: [process.execPath, ...NODE_OPTIONS, PROGRAM, '--config', file, 'serve'],
    folder,
    name: `parley-${index}`,
    core,
  })
  return { child, client, http }
}

function configuration(
  { data, client, http }: { data: string; client: number; http: number },
  { archive }: Setup,
  { database, redis }: Shared,
): string {
  return `domains: [${DOMAIN}]
data: ${data}
${database === undefined ? '' : `database: ${database}\n`}${redis === undefined ? '' : `redis: ${redis}\n`}\
listen: { client: "127.0.0.1:${client}", http: "127.0.0.1:${http}" }
tls: { client: optional }
registration: open
archive: ${archive ? 'on' : 'off'}
auth: { iterations: 4096 }
limits: { connections: 0, logins: 0, stanzas: 0, registrations: 0 }
log: { level: warn, format: json }
modules: { presence: { changes: 0 }, subscription: { requests: 10000 } }
`
}

async function knowsRedis(): Promise<boolean> {
  const core = pathToFileURL(join(ROOT, 'packages/server-core/dist/index.js')).href
  const { configKeys } = (await import(core)) as { configKeys: (modules: []) => { path: string[] }[] }
  return configKeys([]).some(({ path }) => path[0] === 'redis')
}
