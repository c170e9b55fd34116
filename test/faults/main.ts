// npm run test:faults: every trial with every seed, then the table of docs/reliability.md.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BREAKAGES } from './breakages.ts'
import { type Build, breakBuild, copyBuild } from './build.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { TRIALS, type Trial } from './plan.ts'
import { append, commitOf, isKnown, type Key, type Result, readResults, resultOf } from './results.ts'
import { type Outcome, run } from './run.ts'
import { endAll } from './stage/child.ts'
import { findPostgres } from './stage/postgres.ts'
import { hasRedis } from './stage/redis.ts'
import { writeTable } from './table.ts'

/** From test/faults/dist/faults. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const RESULTS = join(ROOT, 'test/faults/results.jsonl')
const PAGE = join(ROOT, 'docs/reliability.md')

/** Runs what the arguments ask for, and gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (!options) return 2
  if (options.help) {
    console.log(HELP)
    return 0
  }
  if (!findPostgres() || !hasRedis()) {
    console.error('PostgreSQL 15 and Redis 7, or newer, must be installed.')
    return 2
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      endAll()
      process.exit(1)
    })
  }
  const scratch = mkdtempSync(join(tmpdir(), 'parley-faults-'))
  // PostgreSQL runs as another user.
  chmodSync(scratch, 0o711)
  const passed = options.prove ? await prove(options, scratch) : await runAll(options, scratch)
  if (passed && !options.keep) rmSync(scratch, { recursive: true, force: true })
  else console.log(`Logs and histories are in ${scratch}`)
  return passed ? 0 : 1
}

function readArguments(args: readonly string[]): Options | undefined {
  try {
    return readOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`)
    return undefined
  }
}

async function runAll(options: Options, scratch: string): Promise<boolean> {
  const build = makeBuild(scratch, options.breakage)
  const commit = commitOf(ROOT)
  let failed = 0
  for (const seed of options.seeds) {
    for (const trial of TRIALS.filter(({ id }) => options.trials.includes(id))) {
      const key: Key = { commit, build: build.hash, trial: trial.id, seed, seconds: options.times.faults }
      if (options.record && !options.again && isKnown(readResults(RESULTS), key)) {
        console.log(`${trial.id} seed ${seed}: in the results already`)
        continue
      }
      const outcome = await runOne(trial, seed, options, build, scratch)
      if (!outcome || outcome.breaches.length > 0) failed++
      if (!outcome || !options.record) continue
      append(RESULTS, resultOf(key, outcome))
      writeTable(PAGE, readResults(RESULTS))
    }
  }
  return failed === 0
}

/** Undefined where the run itself could not be made. */
async function runOne(
  trial: Trial,
  seed: number,
  options: Options,
  { program }: Build,
  scratch: string,
): Promise<Outcome | undefined> {
  const folder = join(scratch, `${trial.id}-${seed}`)
  mkdirSync(folder)
  chmodSync(folder, 0o711)
  const name = `${trial.id} seed ${seed}`
  console.log(`${name}: ${trial.title}`)
  try {
    const progress = (text: string) => console.log(`${name}: ${text}`)
    const outcome = await run({ trial, seed, times: options.times, program, folder, progress })
    console.log(`${name}: ${describe(outcome)}`)
    for (const breach of outcome.breaches) console.log(`  ${breach}`)
    if (outcome.breaches.length > 0 || options.keep) {
      writeFileSync(join(folder, 'history.json'), JSON.stringify(outcome.history))
    } else rmSync(folder, { recursive: true, force: true })
    return outcome
  } catch (error) {
    console.log(`${name}: FAILED to run: ${(error as Error).stack}`)
    return undefined
  }
}

/** Runs each breakage where it must be found. */
async function prove(options: Options, scratch: string): Promise<boolean> {
  let missed = 0
  for (const { name, title, trial: id, finds } of BREAKAGES) {
    console.log(`${name}: ${title}`)
    const folder = join(scratch, name)
    mkdirSync(folder)
    chmodSync(folder, 0o711)
    const build = makeBuild(folder, name)
    const trial = TRIALS.find(each => each.id === id)!
    const outcome = await runOne(trial, options.seeds[0]!, { ...options, keep: false }, build, folder)
    const found = outcome?.breaches.some(breach => finds.test(breach)) ?? false
    console.log(`${name}: ${found ? 'found' : 'NOT FOUND'}`)
    if (!found) missed++
  }
  return missed === 0
}

function makeBuild(scratch: string, breakage: string | undefined): Build {
  const folder = join(scratch, 'build')
  mkdirSync(folder)
  const build = copyBuild(ROOT, folder)
  const wrong = BREAKAGES.find(({ name }) => name === breakage)
  if (wrong) breakBuild(folder, wrong)
  return build
}

function describe({ verdict, faults, breaches, memory }: Outcome): string {
  const { acked, received, again, doubled, refused, resumes, failed, resume, back, latency } = verdict
  const kinds = Object.entries(faults).map(([kind, count]) => `${count} × ${kind}`)
  return [
    breaches.length === 0 ? 'passed' : 'FAILED',
    `${acked} acknowledged, ${received} received (${again} again, ${doubled.length} doubled, ${refused} refused)`,
    kinds.join(', '),
    `${resumes} resumed in ${resume.p50}/${resume.p99}/${resume.max} ms, ${failed} failed`,
    `back in ${back.p50}/${back.p99}/${back.max} ms`,
    `latency ${latency.p50}/${latency.p99}/${latency.max} ms`,
    `${memory} MiB`,
  ].join('; ')
}

export type { Result }
