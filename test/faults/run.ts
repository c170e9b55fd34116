import { join } from 'node:path'
import { undecided } from './check/ghosts.ts'
import { surelyDoubled } from './check/unsure.ts'
import { check, type Verdict } from './checker.ts'
import type { World } from './clients/client.ts'
import { Load } from './clients/load.ts'
import { type History, Recorder } from './history.ts'
import type { Hands } from './nemeses/nemesis.ts'
import type { Trial } from './plan.ts'
import { Dice } from './random.ts'
import { pause } from './stage/child.ts'
import { DOMAIN } from './stage/front.ts'
import { DOMAINS, Stage } from './stage/stage.ts'

/** Seconds of each part. */
export interface Times {
  readonly warmup: number
  readonly faults: number
  /** At most; it ends when nothing is under way. */
  readonly drain: number
}

export interface RunParts {
  readonly trial: Trial
  readonly seed: number
  readonly times: Times
  readonly program: string
  readonly folder: string
  /** Hears what is going on. */
  readonly progress: (text: string) => void
}

export interface Outcome {
  readonly verdict: Verdict
  readonly history: History
  /** Faults by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** MiB */
  readonly memory: number
  /** What broke a promise, in a sentence each; nothing: the run has passed. */
  readonly breaches: readonly string[]
}

/** P7 (ms) */
const GRACE = 15_000
const READY = 60_000
const PROGRESS = 5000

/** One run: everything is started, clients talk, the nemesis does harm, all is put right, and the history is judged. */
export async function run(parts: RunParts): Promise<Outcome> {
  const { trial, seed, times, program, folder, progress } = parts
  const stage = await Stage.open({ ...trial, program, folder: join(folder, 'stage') })
  const recorder = new Recorder(trial.limits.grace ?? GRACE)
  const dice = new Dice(seed)
  const world: World = {
    ...{ ports: stage.ports, domain: stage.neighbour ? DOMAINS[0] : DOMAIN },
    ...{ recorder, dice: new Dice(seed + 1_000_003), patience: trial.patience },
  }
  const neighbour = stage.neighbour && { ...world, ports: stage.neighbour.ports, domain: DOMAINS[1] }
  const load = new Load(world, trial.load, neighbour)
  const telling = setInterval(() => progress(tell(recorder)), PROGRESS)
  const measuring = setInterval(() => {
    for (const front of stage.everyFront) front.measure()
  }, 1000)
  try {
    await load.begin()
    await until(() => load.isReady, READY, 'All clients are ready')
    load.send(true)
    await pause(times.warmup * 1000)
    await harm(trial, { stage, load, dice, recorder }, times.faults * 1000)
    load.send(false)
    const unsettled = await drain(load, recorder, times.drain * 1000)
    if (unsettled === undefined) recorder.archives.push(...(await load.archives()))
    const crashes = stage.everyFront.reduce((sum, front) => sum + front.crashes, 0)
    const history = recorder.end()
    const verdict = check(history)
    const memory = Math.round(Math.max(...stage.everyFront.map(front => front.memory)))
    const faults = countKinds(history)
    const breaches = judge(verdict, trial, memory, times, history.faults)
    if (unsettled !== undefined) breaches.push(`not settled ${times.drain} s after the faults: ${unsettled}`)
    if (crashes > 0) breaches.push(`${crashes} front ends ended by themselves`)
    if (Object.keys(faults).length === 0) breaches.push('there was no fault')
    return { verdict, history, faults, memory, breaches }
  } finally {
    clearInterval(telling)
    clearInterval(measuring)
    await load.end()
    await stage.close()
  }
}

async function harm(trial: Trial, hands: Omit<Hands, 'goesOn' | 'sleep'>, ms: number): Promise<void> {
  const end = performance.now() + ms
  const left = () => end - performance.now()
  await trial.nemesis({
    ...hands,
    goesOn: () => left() > 0,
    sleep: wanted => pause(Math.max(0, Math.min(wanted, left()))),
  })
}

/** Waits until nothing is under way any more; gives what still is when the time is over. */
async function drain(load: Load, recorder: Recorder, ms: number): Promise<string | undefined> {
  const end = performance.now() + ms
  for (;;) {
    const open = whatIsOpen(load, recorder)
    if (open === undefined) return undefined
    if (performance.now() > end) return open
    await pause(1000)
  }
}

function whatIsOpen(load: Load, recorder: Recorder): string | undefined {
  const busy = load.clients.filter(client => !client.isReady || client.pending > 0)
  if (busy.length > 0) return `${busy.map(({ name, pending }) => `${name} (${pending})`).join(', ')} wait`
  if (load.unanswered > 0) return `${load.unanswered} questions are open`
  const history = recorder.end()
  const ghosts = undecided(history)
  if (ghosts > 0) return `${ghosts} ghosts may still go`
  const { lost } = check(history)
  if (lost.length > 0) return `${lost.length} messages are on their way, as ${lost[0]}`
  return undefined
}

/** The promises, in the words of docs/reliability.md. */
function judge(
  verdict: Verdict,
  { limits }: Trial,
  memory: number,
  { faults }: Times,
  done: History['faults'],
): string[] {
  const breaches: string[] = []
  const none = (what: string, list: readonly string[]) => {
    if (list.length > 0) breaches.push(`${list.length} ${what}, as ${list.slice(0, 3).join('; ')}`)
  }
  const atMost = (what: string, is: number, limit: number | undefined) => {
    if (limit !== undefined && is > limit) breaches.push(`${what}: ${is} instead of ${limit} at most`)
  }
  none('lost (P1, P4)', verdict.lost)
  none('doubled (P2, P4)', limits.unsure ? surelyDoubled(verdict, done) : verdict.doubled)
  none('inverted (P3)', verdict.inverted)
  none('unanswered (P5)', verdict.unanswered)
  none('ghosts (P7)', verdict.ghosts)
  none(
    'sessions could not be resumed (P2)',
    verdict.failures.filter(client => !limits.mayFail.test(client)),
  )
  atMost('ms until a client knows that its session is gone (P4)', verdict.failing.max, 5000)
  if (verdict.acked < faults * 10) breaches.push(`only ${verdict.acked} messages: that proves nothing`)
  atMost('MiB of memory (P8)', memory, limits.memory)
  // In the short form the machine has other things to do meanwhile.
  if (faults < 60) return breaches
  atMost('ms until resumed, 99 % (P6)', verdict.resume.p99, limits.resume)
  atMost('ms until the service is back, 99 % (P6)', verdict.back.p99, limits.back)
  atMost('ms from sender to recipient, 99 % (P8)', verdict.latency.p99, limits.latency)
  return breaches
}

function tell(recorder: Recorder): string {
  const count: Record<string, number> = {}
  for (const { what } of Object.values(recorder.clients).flat()) count[what] = (count[what] ?? 0) + 1
  const { sent = 0, got = 0, resumed = 0, failed = 0 } = count
  const seconds = Math.round(recorder.now() / 1000)
  return `${seconds} s: ${sent} sent, ${got} received, ${recorder.faults.length} faults, ${resumed} resumed, ${failed} failed`
}

function countKinds({ faults }: History): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const { kind } of faults) kinds[kind] = (kinds[kind] ?? 0) + 1
  return kinds
}

async function until(is: () => boolean, ms: number, what: string): Promise<void> {
  const end = performance.now() + ms
  while (!is()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`)
    await pause(50)
  }
}
