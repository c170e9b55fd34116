import { type LoadShape, USUAL } from './clients/load.ts'
import { choke, storm } from './nemeses/clients.ts'
import { freeze, killAll, killEmbedded, killNeighbours, killOne, roll } from './nemeses/fronts.ts'
import type { Nemesis } from './nemeses/nemesis.ts'
import { weather } from './nemeses/network.ts'
import { forget, killPostgres, killRedis } from './nemeses/storage.ts'

/** What a run must keep beside P1 to P5 and P7, which all must. */
export interface Limits {
  /** Whose sessions may be gone, by name: then P4 takes the place of resumption. */
  readonly mayFail: RegExp
  /** 99 % of resumptions, of returns of the service, of messages take at most this (ms). Held in the long form alone. */
  readonly resume?: number
  readonly back?: number
  readonly latency?: number
  /** How long ghosts may stay beyond the hold time (ms); default 15 s. */
  readonly grace?: number
  /** A message may come twice that was under way when a front end died: nobody could ask the other server any more whether it had it. */
  readonly unsure?: boolean
  /** The largest resident set of a front end (MiB). */
  readonly memory?: number
}

export interface Trial {
  readonly id: string
  readonly title: string
  readonly fronts: number
  readonly embedded?: boolean
  readonly proxies?: boolean
  /** So many front ends again, of another domain: the clients talk with those there. */
  readonly neighbours?: boolean
  readonly load: LoadShape
  /** How long clients wait for a sign of life (ms). */
  readonly patience: number
  readonly nemesis: Nemesis
  readonly limits: Limits
}

const NOBODY = /^$/
const ANYBODY = /./
const FRONTS = 3
/** Where the front end that tidies up may die too: one lease more. */
const TWICE = 30_000
const USUALLY = { fronts: FRONTS, load: USUAL, patience: 8000 }

export const TRIALS: readonly Trial[] = [
  {
    ...USUALLY,
    id: 'T1',
    title: 'a front end is killed every 0.7 s',
    nemesis: killOne,
    limits: { mayFail: NOBODY, resume: 3000, grace: TWICE },
  },
  {
    ...USUALLY,
    id: 'T2',
    title: 'all front ends are killed at once',
    nemesis: killAll,
    limits: { mayFail: NOBODY, grace: TWICE },
  },
  {
    ...USUALLY,
    id: 'T3',
    title: 'front ends freeze for 1.5 to 30 s, longer than their lease too',
    patience: 1500,
    nemesis: freeze,
    limits: { mayFail: NOBODY },
  },
  {
    ...USUALLY,
    id: 'T4',
    title: 'Redis is killed every 2 to 3 s',
    nemesis: killRedis,
    limits: { mayFail: NOBODY, back: 5000 },
  },
  {
    ...USUALLY,
    id: 'T5',
    title: 'Redis forgets all, or its last second',
    nemesis: forget,
    limits: { mayFail: ANYBODY },
  },
  {
    ...USUALLY,
    id: 'T7',
    title: 'PostgreSQL or one of its processes is killed',
    nemesis: killPostgres,
    limits: { mayFail: NOBODY, back: 5000 },
  },
  {
    ...USUALLY,
    id: 'T9',
    title: 'the network is cut, half-open, one-way, slow',
    proxies: true,
    patience: 4000,
    nemesis: weather,
    limits: { mayFail: NOBODY },
  },
  {
    ...USUALLY,
    id: 'T11',
    title: 'a client that does not read, and one that never acknowledges',
    load: { ...USUAL, consumers: true },
    patience: 20_000,
    nemesis: choke,
    limits: { mayFail: /^(choked|mute)@/, latency: 1000, memory: 512 },
  },
  {
    ...USUALLY,
    id: 'T13',
    title: '10,000 sessions lose their connections at once',
    load: { pairs: 2, rate: 20 },
    patience: 60_000,
    nemesis: storm(10_000),
    limits: { mayFail: NOBODY, resume: 60_000 },
  },
  {
    ...USUALLY,
    id: 'T14',
    title: 'rolling restart',
    nemesis: roll,
    limits: { mayFail: NOBODY, resume: 3000 },
  },
  {
    ...USUALLY,
    id: 'T17',
    title: 'one process with everything in memory is killed, and its engine',
    fronts: 1,
    embedded: true,
    nemesis: killEmbedded,
    limits: { mayFail: ANYBODY },
  },
  {
    id: 'T18',
    title: 'front ends of two servers that federate are killed',
    fronts: 2,
    neighbours: true,
    load: { pairs: 4, rate: 20 },
    patience: 8000,
    nemesis: killNeighbours,
    limits: { mayFail: NOBODY, unsure: true },
  },
]

/** What takes about two minutes in all. */
export const SHORT: readonly string[] = ['T1', 'T3', 'T4', 'T7', 'T14', 'T18']
