import type { Listeners } from '@parley/c2s'
import type { NodeInfo } from '@parley/live'
import { FEDERATION_COMMANDS } from '@parley/s2s'
import type { Store } from '@parley/store'
import { type Command, CommandError, type CommandSpec, ConfigError, type Server } from '@xmpp/server-core'

const RELOAD_SPEC: CommandSpec = {
  name: 'reload',
  summary: 'Read certificates and log level again; sessions stay',
  parameters: [],
}
const STATUS: CommandSpec = { name: 'status', summary: 'Show the running server', parameters: [] }
const CLUSTER_STATUS: CommandSpec = {
  name: 'cluster status',
  summary: 'List the processes that share Redis',
  parameters: [],
}
const CLUSTER_DRAIN: CommandSpec = {
  name: 'cluster drain',
  summary: 'End a process in order: its clients go on elsewhere; what supervises it starts it again',
  parameters: [
    {
      name: 'node',
      type: 'text',
      required: true,
      positional: true,
      help: 'its id or name, as "cluster status" has it',
    },
  ],
}

/** Commands of the process itself, and of what it opens. */
export const OWN_COMMANDS: readonly CommandSpec[] = [
  RELOAD_SPEC,
  STATUS,
  CLUSTER_STATUS,
  CLUSTER_DRAIN,
  ...FEDERATION_COMMANDS,
]

/** What processes tell each other. */
export const RELOAD = 'reload'
export const DRAIN = 'drain'

export interface ProcessParts {
  readonly server: Server
  readonly store: Store
  readonly listeners: Listeners
  reload(): Promise<readonly string[]>
}

/** What is wrong in the file is the operator's to read; anything else is not expected. */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems
  throw error
}

export function processCommands({ server, store, listeners, reload }: ProcessParts): Command[] {
  return [
    {
      ...RELOAD_SPEC,
      async run() {
        server.live.tell(RELOAD, '')
        const problems = await reload().catch(problemsOf)
        // A failure, so that the hook of an ACME client notices.
        if (problems.length > 0) throw new CommandError(problems.join('\n'))
        return { text: 'Certificates and log level are read again' }
      },
    },
    {
      ...STATUS,
      async run() {
        const memory = Math.round(process.memoryUsage().rss / 1_048_576)
        return {
          text: [
            `Parley ${server.version}, process ${process.pid}, up ${Math.floor(process.uptime())} s, ${memory} MB`,
            `domains: ${server.hosts.map(({ domain }) => domain).join(', ')}`,
            `sessions: ${await server.live.count()}, streams: ${server.streams.size}`,
            `store: ${store.description}, ${(await store.health()).toFixed(1)} ms`,
            ...[...listeners.addresses].map(([door, address]) => `listen.${door}: ${address}`),
          ].join('\n'),
        }
      },
    },
    {
      ...CLUSTER_STATUS,
      run: async () => ({ rows: (await server.live.nodes()).map(rowOf) }),
    },
    {
      ...CLUSTER_DRAIN,
      async run({ node: wanted }) {
        const nodes = await server.live.nodes()
        const found = nodes.filter(({ node, about }) => node === wanted || about['name'] === wanted)
        if (found.length !== 1) {
          const known = nodes.map(({ node, about }) => `${node} (${about['name']})`).join(', ')
          throw new CommandError(`${found.length === 0 ? 'There is no' : 'More than one'} node ${wanted}: ${known}`)
        }
        const { node, own, about } = found[0]!
        if (!server.live.isShared) throw new CommandError('There is no other process that clients could go to')
        // Behind the answer to this command.
        if (own) setImmediate(() => process.kill(process.pid, 'SIGTERM'))
        else server.live.tell(DRAIN, node)
        return { text: `${about['name']} (${node}) sends its clients away and ends` }
      },
    },
  ]
}

function rowOf({ node, lease, own, about }: NodeInfo) {
  return {
    node,
    name: String(about['name'] ?? ''),
    roles: String(about['roles'] ?? ''),
    state: lease <= 0 ? 'gone' : String(about['state'] ?? ''),
    sessions: Number(about['sessions'] ?? 0),
    version: String(about['version'] ?? ''),
    process: Number(about['pid'] ?? 0),
    'up (s)': Number(about['up'] ?? 0),
    here: own ? 'yes' : '',
  }
}
