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
  readonly job: Partial<Settings>
  /** What differs again in a quick run. */
  readonly quick?: Partial<Settings>
  /** What differs for Parley. */
  readonly own?: Partial<Settings>
  /** How often each server takes its turn, where one time tells too little: what counts is the middle one, by the first line. */
  readonly rounds?: number
  readonly lines: readonly Line[]
}

export const PLAIN: Setup = { archive: false, nodes: 1, database: 'own' }

/** What does not depend on where the server runs. */
export type Settings = Omit<Job, 'scenario' | 'ports' | 'peer' | 'pids' | 'core' | 'metrics'>

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
  senders: 100,
  rooms: 4,
  messages: 1_000_000,
  concurrency: 20,
  warmup: 3,
  seconds: 10,
  settle: 5,
} as const satisfies Settings

export const QUICK = { warmup: 1, seconds: 2, settle: 1 } as const satisfies Partial<Settings>

const OURS: readonly ServerName[] = ['parley']

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
  {
    id: 'tls',
    title: '1:1 message over TLS',
    scenario: 'message',
    servers: SERVERS,
    setup: PLAIN,
    job: { tls: true },
    lines: [{ metric: 'cpu', title: '1:1 message over TLS', unit: 'µs', target: { atMost: 1 / 4, of: 'ejabberd' } }],
  },
  {
    id: 'steady',
    title: '1:1 message, 500 a second',
    scenario: 'steady',
    servers: SERVERS,
    setup: PLAIN,
    // At this rate one core is nearly idle, and everybody on the machine who throws out what its caches hold is felt.
    job: { seconds: 20 },
    rounds: 3,
    lines: [
      { metric: 'cpu', title: '1:1 message, 500 a second', unit: 'µs', target: { atMost: 1 / 2, of: 'ejabberd' } },
      { metric: 'p50', title: '– half arrive within', unit: 'ms' },
      { metric: 'p99', title: '– 99 % arrive within', unit: 'ms', target: { atMost: 1, of: 'ejabberd' } },
      { metric: 'max', title: '– the slowest', unit: 'ms' },
    ],
  },
  {
    id: 'large',
    title: '1:1 message of 4 KB',
    scenario: 'message',
    servers: SERVERS,
    setup: PLAIN,
    job: { body: 4096 },
    lines: [{ metric: 'cpu', title: '1:1 message of 4 KB', unit: 'µs' }],
  },
  {
    id: 'presence',
    title: 'presence to 20 contacts',
    scenario: 'presence',
    servers: SERVERS,
    setup: PLAIN,
    job: {},
    lines: [
      {
        metric: 'cpu',
        title: 'presence to 20 contacts, each delivery',
        unit: 'µs',
        target: { atMost: 1 / 6, of: 'ejabberd' },
      },
    ],
  },
  {
    id: 'rosters',
    title: 'presence to 200 contacts',
    scenario: 'presence',
    servers: SERVERS,
    setup: PLAIN,
    job: { users: 204, contacts: 200, senders: 4 },
    quick: { users: 64, contacts: 60 },
    lines: [{ metric: 'cpu', title: 'presence to 200 contacts, each delivery', unit: 'µs' }],
  },
  {
    id: 'muc',
    title: 'rooms of 50',
    scenario: 'muc',
    servers: SERVERS,
    setup: PLAIN,
    job: { users: 200 },
    quick: { users: 40 },
    lines: [{ metric: 'cpu', title: 'rooms of 50, each copy', unit: 'µs', target: { atMost: 1 / 6, of: 'ejabberd' } }],
  },
  {
    id: 'muc-large',
    title: 'a room of 1,000',
    scenario: 'muc',
    servers: SERVERS,
    setup: PLAIN,
    job: { users: 1000, rooms: 1 },
    quick: { users: 100 },
    lines: [
      { metric: 'cpu', title: 'a room of 1,000, each copy', unit: 'µs' },
      { metric: 'join', title: '– the last one is in after', unit: 'ms', target: { atMost: 100 } },
    ],
  },
  {
    id: 'pep',
    title: 'news to 100 interested contacts',
    scenario: 'pep',
    servers: SERVERS,
    setup: PLAIN,
    job: { users: 104, contacts: 100, senders: 4 },
    quick: { users: 24, contacts: 20 },
    lines: [
      {
        metric: 'cpu',
        title: 'PEP: news to 100 interested contacts, each delivery',
        unit: 'µs',
        target: { atMost: 1 / 3, of: 'ejabberd' },
      },
    ],
  },
  {
    id: 'archive',
    title: '1:1 message with archive',
    scenario: 'message',
    servers: SERVERS,
    setup: { ...PLAIN, archive: true },
    job: {},
    // Acknowledged only when durable: a promise that the others do not make.
    own: { acknowledged: true },
    lines: [
      {
        metric: 'cpu',
        title: '1:1 message with archive, database included',
        unit: 'µs',
        target: { atMost: 1 / 3, of: 'prosody' },
      },
    ],
  },
  {
    id: 'archive-plain',
    title: '1:1 message with archive, without acknowledgements',
    scenario: 'message',
    servers: OURS,
    setup: { ...PLAIN, archive: true },
    job: {},
    lines: [{ metric: 'cpu', title: '– without acknowledgements', unit: 'µs' }],
  },
  {
    id: 'archive-postgres',
    title: '1:1 message with archive, installed PostgreSQL',
    scenario: 'message',
    servers: OURS,
    setup: { ...PLAIN, archive: true, database: 'installed' },
    job: { acknowledged: true },
    lines: [{ metric: 'cpu', title: '– on an installed PostgreSQL', unit: 'µs' }],
  },
  {
    id: 'pages',
    title: 'an archive of 1,000,000 messages',
    scenario: 'pages',
    servers: OURS,
    setup: { ...PLAIN, archive: true },
    job: { users: 21 },
    quick: { messages: 20_000 },
    lines: [
      {
        metric: 'newest-p99',
        title: 'page of 50 of 1,000,000 messages, newest: 99 %',
        unit: 'ms',
        target: { atMost: 20 },
      },
      { metric: 'oldest-p99', title: '– from the old end: 99 %', unit: 'ms', target: { atMost: 20 } },
      { metric: 'middle-p99', title: '– from a time in between: 99 %', unit: 'ms', target: { atMost: 20 } },
      { metric: 'cpu', title: '– server CPU of a page', unit: 'µs' },
      { metric: 'search-p99', title: 'search for a word in them: 99 %', unit: 'ms', target: { atMost: 100 } },
      { metric: 'search-p50', title: '– half', unit: 'ms' },
      { metric: 'two-p99', title: '– for two words: 99 %', unit: 'ms', target: { atMost: 100 } },
      { metric: 'index', title: '– the first search, which makes the index', unit: 's' },
    ],
  },
  {
    id: 'login',
    title: 'login',
    scenario: 'login',
    servers: SERVERS,
    setup: PLAIN,
    job: { tls: true },
    lines: [
      { metric: 'cpu', title: 'login over TLS, SCRAM-SHA-1', unit: 'µs', target: { atMost: 2 / 3, of: 'ejabberd' } },
    ],
  },
  {
    id: 'idle',
    title: 'idle TLS sessions',
    scenario: 'idle',
    servers: SERVERS,
    setup: PLAIN,
    job: { users: 3000, tls: true, seconds: 5 },
    quick: { users: 300, seconds: 1 },
    lines: [{ metric: 'session', title: 'idle TLS session, of 3,000', unit: 'KB', target: { atMost: 40 } }],
  },
  {
    id: 's2s',
    title: '1:1 message to and from Prosody',
    scenario: 's2s',
    servers: ['parley', 'ejabberd'],
    setup: { ...PLAIN, peer: 'prosody' },
    job: {},
    lines: [
      {
        metric: 'out',
        title: '1:1 message to a user of Prosody',
        unit: 'µs',
        target: { atMost: 1 / 3, of: 'ejabberd' },
      },
      { metric: 'in', title: '– from a user of Prosody', unit: 'µs', target: { atMost: 1 / 3, of: 'ejabberd' } },
    ],
  },
  {
    id: 's2s-ejabberd',
    title: '1:1 message to and from ejabberd',
    scenario: 's2s',
    servers: ['parley', 'prosody'],
    setup: { ...PLAIN, peer: 'ejabberd' },
    job: {},
    lines: [
      { metric: 'out', title: '1:1 message to a user of ejabberd', unit: 'µs' },
      { metric: 'in', title: '– from a user of ejabberd', unit: 'µs' },
    ],
  },
  {
    id: 's2s-own',
    title: '1:1 message to and from another Parley',
    scenario: 's2s',
    servers: OURS,
    setup: { ...PLAIN, peer: 'parley' },
    job: {},
    lines: [
      { metric: 'out', title: '1:1 message to a user of another Parley', unit: 'µs' },
      { metric: 'in', title: '– from a user of it', unit: 'µs' },
    ],
  },
  {
    id: 'nodes-2',
    title: '1:1 message between two nodes',
    scenario: 'message',
    servers: OURS,
    setup: { ...PLAIN, nodes: 2 },
    job: {},
    lines: [
      {
        metric: 'cpu',
        title: '1:1 message between two nodes, with Redis',
        unit: 'µs',
        target: { atMost: 1, of: 'ejabberd', row: 'message' },
      },
    ],
  },
  {
    id: 'nodes-4',
    title: '1:1 message among four nodes',
    scenario: 'message',
    servers: OURS,
    setup: { ...PLAIN, nodes: 4 },
    job: {},
    lines: [
      {
        metric: 'cpu',
        title: '1:1 message among four nodes, with Redis',
        unit: 'µs',
        target: { atMost: 1, of: 'ejabberd', row: 'message' },
      },
    ],
  },
  {
    id: 'many',
    title: '20,000 idle TLS sessions',
    scenario: 'idle',
    servers: OURS,
    setup: PLAIN,
    job: { users: 20_000, tls: true },
    quick: { users: 1000, seconds: 1 },
    lines: [
      // Fewer than 20,000 where a process may not open so many files.
      { metric: 'sessions', title: 'idle TLS sessions at once', unit: '' },
      { metric: 'session', title: '– memory of each', unit: 'KB' },
      { metric: 'memory', title: '– the server with all of them', unit: 'MB' },
      { metric: 'idle', title: '– CPU, of one core', unit: '%' },
    ],
  },
  {
    id: 'storm',
    title: '10,000 sessions reconnect at once',
    scenario: 'storm',
    servers: OURS,
    setup: PLAIN,
    job: { users: 10_000, tls: true },
    quick: { users: 500 },
    lines: [
      { metric: 'seconds', title: '10,000 sessions reconnect at once: all resumed', unit: 's', target: { atMost: 60 } },
      { metric: 'failed', title: '– sessions that were lost', unit: '', target: { atMost: 0 } },
      { metric: 'loop', title: '– event-loop delay, p99', unit: 'ms', target: { atMost: 200 } },
      { metric: 'p99', title: '– ping on another session, p99', unit: 'ms' },
      { metric: 'again-seconds', title: '– again, with TLS sessions taken up: all resumed', unit: 's' },
      { metric: 'again-loop', title: '– event-loop delay then, p99', unit: 'ms' },
    ],
  },
]
