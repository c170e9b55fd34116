import type { Listeners } from '@parley/c2s'
import type { Store } from '@parley/store'
import { type Command, CommandError, type CommandSpec, ConfigError, type Server } from '@xmpp/server-core'

const RELOAD: CommandSpec = {
  name: 'reload',
  summary: 'Read certificates and log level again; sessions stay',
  parameters: [],
}
const STATUS: CommandSpec = { name: 'status', summary: 'Show the running server', parameters: [] }

/** Commands of the process itself. */
export const OWN_COMMANDS: readonly CommandSpec[] = [RELOAD, STATUS]

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
      ...RELOAD,
      async run() {
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
  ]
}
