import { parseArgs } from 'node:util'
import { ROWS } from './rows.ts'
import { SERVERS, type ServerName } from './servers/server.ts'

export const HELP = `npm run bench [-- options]

Measures Parley and, where they are installed, ejabberd and Prosody in the same run: one server at a time, each
started afresh on one core, with the load generator on another.

  --only ROWS       rows, separated by commas: ${ROWS.map(({ id }) => id).join(', ')}
  --servers NAMES   ${SERVERS.join(', ')} (default: all that are installed)
  --seconds N       length of each measurement (default 10)
  --quick           short measurements and few sessions: to see whether something works, not to publish
  --out DIR         where bench.json and bench.svg go; a whole run writes to docs/bench and docs/performance.md
  --help            this text
`

export interface Options {
  readonly rows: readonly string[]
  readonly servers: readonly ServerName[]
  /** Absent: as the rows say. */
  readonly seconds: number | undefined
  readonly quick: boolean
  readonly out: string | undefined
  readonly help: boolean
}

/** @throws Error in one line, where an option is unknown or its value is not one. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      servers: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const rows = list(
    '--only',
    values.only,
    ROWS.map(({ id }) => id),
  )
  const servers = list('--servers', values.servers, SERVERS) as ServerName[]
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
  if (seconds !== undefined && !(seconds > 0)) throw new Error(`--seconds: ${values.seconds} is no number above 0`)
  return { rows, servers, seconds, quick: values.quick, out: values.out, help: values.help }
}

/** Whether the figures are those of the whole table, in full length. */
export function isWhole({ rows, servers, seconds, quick }: Options): boolean {
  return rows.length === ROWS.length && servers.length === SERVERS.length && seconds === undefined && !quick
}

function list(name: string, given: string | undefined, known: readonly string[]): string[] {
  if (given === undefined) return [...known]
  const chosen = given.split(',').map(item => item.trim())
  const unknown = chosen.filter(item => !known.includes(item))
  if (unknown.length > 0) throw new Error(`${name}: no ${unknown.join(', ')} among ${known.join(', ')}`)
  return known.filter(item => chosen.includes(item))
}
