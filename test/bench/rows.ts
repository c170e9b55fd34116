import type { Job, ScenarioName } from './load/job.ts'
import { SERVERS, type ServerName, type Setup } from './servers/server.ts'

/** One line of the result: a metric of a row, and what is wanted of it. */
export interface Line {
  readonly metric: string
  readonly title: string
  readonly unit: 'µs' | 'ms' | 's' | 'KB' | 'MB' | '%' | ''
  readonly target?: Target
}

/** At most this, or at most this share of another server's figure in the same run. */
export interface Target {
  readonly atMost: number
  readonly of?: ServerName
  /** The row of the other server's figure, where it is another one. */
  readonly row?: string
}

export interface Row {
  readonly id: string
  readonly title: string
  readonly scenario: ScenarioName
  readonly servers: readonly ServerName[]
  readonly setup: Setup
  /** What differs from `DEFAULTS`. */
  readonly job: Partial<Job>
  /** What differs again in a quick run. */
  readonly quick?: Partial<Job>
  /** What differs for Parley. */
  readonly own?: Partial<Job>
  readonly lines: readonly Line[]
}

export const PLAIN: Setup = { archive: false, nodes: 1, database: 'own' }

export const DEFAULTS = {
  domain: 'localhost',
  prefix: 'user',
  users: 100,
  tls: false,
  acknowledged: false,
  body: 120,
  window: 16,
  rate: 500,
  contacts: 20,
  concurrency: 20,
  warmup: 3,
  seconds: 10,
  settle: 5,
} as const satisfies Partial<Job>

export const QUICK = { warmup: 1, seconds: 2, settle: 1 } as const satisfies Partial<Job>

export const ROWS: readonly Row[] = [
  {
    id: 'message',
    title: '1:1 message, closed loop',
    scenario: 'message',
    servers: SERVERS,
    setup: PLAIN,
    job: {},
    lines: [{ metric: 'cpu', title: '1:1 message', unit: 'µs', target: { atMost: 1 / 5, of: 'ejabberd' } }],
  },
]
