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

/** One line of the table. */
export interface Measured {
  readonly row: Row
  readonly line: Line
  readonly values: Readonly<Partial<Record<ServerName, number>>>
  /** Parley's figure divided by the other's. */
  readonly ratios: Readonly<Partial<Record<ServerName, number>>>
  /** Absent where nothing is wanted of the line. */
  readonly verdict?: Verdict
}

/** The lines of all rows that were asked for, in the order of the rows. */
export function measured({ outcomes }: Result, rows: readonly Row[] = ROWS): Measured[] {
  const find = (row: string, server: ServerName) =>
    outcomes.find(outcome => outcome.row === row && outcome.server === server)
  return rows
    .filter(({ id }) => outcomes.some(({ row }) => row === id))
    .flatMap(row =>
      row.lines.map(line => {
        const figure = (server: ServerName, id = row.id) => find(id, server)?.figures?.[line.metric]
        const values = present(SERVERS.map(server => [server, figure(server)]))
        const own = values.parley
        const other = (server: ServerName) => figure(server, line.target?.of === server ? line.target.row : row.id)
        const ratios = present(
          SERVERS.filter(server => server !== 'parley').map(server => [server, ratio(own, other(server))]),
        )
        if (!line.target) return { row, line, values, ratios }
        return { row, line, values, ratios, verdict: verdict(line.target, own, ratios) }
      }),
    )
}

/** Whether a figure of ours is as good as wanted. */
export function verdict(
  { atMost, of }: Target,
  own: number | undefined,
  ratios: Readonly<Partial<Record<ServerName, number>>>,
): Verdict {
  const compared = of === undefined ? own : ratios[of]
  if (compared === undefined) return 'not measured'
  return compared <= atMost ? 'met' : 'missed'
}

function ratio(own: number | undefined, other: number | undefined): number | undefined {
  return own === undefined || other === undefined || other === 0 ? undefined : own / other
}

function present(entries: readonly (readonly [ServerName, number | undefined])[]): Partial<Record<ServerName, number>> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}
