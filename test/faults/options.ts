import { parseArgs } from 'node:util'
import { BREAKAGES } from './breakages.ts'
import { SHORT, TRIALS } from './plan.ts'
import type { Times } from './run.ts'

export interface Options {
  readonly trials: readonly string[]
  readonly seeds: readonly number[]
  readonly times: Times
  /** Also runs that the results have already. */
  readonly again: boolean
  /** Whether results are written down. */
  readonly record: boolean
  /** The build is broken on purpose. */
  readonly breakage: string | undefined
  /** Every breakage must be found. */
  readonly prove: boolean
  /** Where histories and logs stay; they are kept when a run fails. */
  readonly keep: boolean
  readonly help: boolean
}

const LONG = { warmup: 10, faults: 90, drain: 60 }
const QUICK = { warmup: 1, faults: 10, drain: 60 }
/** Long enough for each breakage to show. */
const PROOF = { warmup: 2, faults: 25, drain: 40 }
const SEEDS = [1, 2, 3]

export const HELP = `npm run test:faults [-- options]

Kills, freezes and cuts off front ends, Redis and PostgreSQL while clients talk, and judges what the clients saw. Needs
PostgreSQL 15 and Redis 7, or newer. Every run is written down in test/faults/results.jsonl; what is there for the same code
already is left out.

  --only T1,T4      these only: ${TRIALS.map(({ id }) => id).join(', ')}
  --seed 7,8        seeds, default ${SEEDS.join(',')}
  --seconds 30      time of faults, default ${LONG.faults}
  --short           ${SHORT.join(', ')} with one seed, ${QUICK.faults} s of faults each; not written down
  --again           also what the results have already
  --no-record       write nothing down
  --keep            keep the logs and the history of runs that pass, too
  --break NAME      break the server on purpose: ${BREAKAGES.map(({ name }) => name).join(', ')}
  --prove           each of these, which must be found out
`

/** @throws Error with a sentence for whoever typed it */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      seed: { type: 'string' },
      seconds: { type: 'string' },
      short: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      'no-record': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      break: { type: 'string' },
      prove: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { short, again, keep, prove, help } = values
  const times = short ? QUICK : prove ? PROOF : LONG
  return {
    trials: trialsOf(values.only, short),
    seeds: values.seed === undefined ? (short ? [1] : SEEDS) : numbers('seed', values.seed),
    times: { ...times, faults: values.seconds === undefined ? times.faults : numbers('seconds', values.seconds)[0]! },
    again,
    record: !values['no-record'] && !short && values.break === undefined,
    breakage: breakageOf(values.break),
    prove,
    keep,
    help,
  }
}

export function shortTimes(): Times {
  return QUICK
}

function trialsOf(only: string | undefined, short: boolean): readonly string[] {
  if (only === undefined) return short ? SHORT : TRIALS.map(({ id }) => id)
  const ids = only.split(',')
  const unknown = ids.find(id => !TRIALS.some(trial => trial.id === id))
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown}`)
  return ids
}

function breakageOf(name: string | undefined): string | undefined {
  if (name !== undefined && !BREAKAGES.some(breakage => breakage.name === name)) {
    throw new Error(`--break: there is no ${name}`)
  }
  return name
}

function numbers(name: string, text: string): number[] {
  const all = text.split(',').map(Number)
  if (all.some(number => !Number.isInteger(number) || number < 1)) throw new Error(`--${name}: whole numbers from 1`)
  return all
}
