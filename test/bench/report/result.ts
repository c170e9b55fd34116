import type { Figures } from '../load/job.ts'
import type { Machine } from '../machine.ts'
import { type Line, ROWS, type Row, type Target } from '../rows.ts'
import { SERVERS, type ServerName } from '../servers/server.ts'

/** What became of one row on one server: figures, or why there are none. */
export interface Outcome {
  readonly row: string
  readonly server: ServerName
  readonly figures?: Figures
  /** Name and version, as the server itself says. */
  readonly software?: string
  readonly tls?: string | undefined
  readonly leftOut?: string
  readonly failure?: string
}

export interface Result {
  /** ISO 8601. */
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  readonly quick: boolean
  readonly outcomes: readonly Outcome[]
}

export type Verdict = 'met' | 'missed' | 'not measured'
export type ByServer = Readonly<Partial<Record<ServerName, number>>>

/** One line of the table. */
export interface Measured {
  readonly row: Row
  readonly line: Line
  readonly values: ByServer
  /** Figures of another row that ours are compared with. */
  readonly borrowed: ByServer
  /** Parley's figure divided by the other's. */
  readonly ratios: ByServer
  /** Absent where nothing is wanted of the line. */
  readonly verdict?: Verdict
}

/** The lines of all rows that were asked for, in the order of the rows. */
export function measured({ outcomes }: Pick<Result, 'outcomes'>, rows: readonly Row[] = ROWS): Measured[] {
  return rows
    .filter(({ id }) => outcomes.some(({ row }) => row === id))
    .flatMap(row => row.lines.map(line => measure(outcomes, row, line)))
}

function measure(outcomes: readonly Outcome[], row: Row, line: Line): Measured {
  const of = (id: string, server: ServerName) =>
    outcomes.find(outcome => outcome.row === id && outcome.server === server)?.figures?.[line.metric]
  const { target } = line
  const values = present(server => of(row.id, server))
  const borrowed = present(server => (target?.row && target.of === server ? of(target.row, server) : undefined))
  const all = { ...values, ...borrowed }
  const ratios = present(server => (server === 'parley' ? undefined : ratio(values.parley, all[server])))
  const found = { row, line, values, borrowed, ratios }
  return target ? { ...found, verdict: verdict(target, values.parley, ratios) } : found
}

/** One outcome for each server of a row: the middle one by the row's first line, or what went wrong in any of its turns. */
export function middleOnes({ lines }: Pick<Row, 'lines'>, turns: readonly Outcome[]): Outcome[] {
  const of = ({ figures }: Outcome) => figures?.[lines[0]!.metric] ?? 0
  return [...new Set(turns.map(({ server }) => server))].map(name => {
    const own = turns.filter(({ server }) => server === name).sort((a, b) => of(a) - of(b))
    return own.find(({ figures }) => figures === undefined) ?? own[Math.floor(own.length / 2)]!
  })
}

/** Whether a figure of ours is as good as wanted. */
export function verdict({ atMost, of }: Target, own: number | undefined, ratios: ByServer): Verdict {
  const compared = of === undefined ? own : ratios[of]
  if (compared === undefined) return 'not measured'
  return compared <= atMost ? 'met' : 'missed'
}

function ratio(own: number | undefined, other: number | undefined): number | undefined {
  return own === undefined || other === undefined || other === 0 ? undefined : own / other
}

/** The servers that have a figure. */
function present(figureOf: (server: ServerName) => number | undefined): ByServer {
  const entries = SERVERS.map(server => [server, figureOf(server)] as const)
  return Object.fromEntries(entries.filter(([, figure]) => figure !== undefined))
}
