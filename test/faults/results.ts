import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Figures } from './check/figures.ts'
import type { Outcome } from './run.ts'

/** One line of the file of results. */
export interface Result {
  readonly date: string
  /** With `+` where the code was changed since. */
  readonly commit: string
  /** Of the code that ran: the same for commits that change none of it. */
  readonly build: string
  readonly trial: string
  readonly seed: number
  /** Of faults. */
  readonly seconds: number
  readonly passed: boolean
  readonly breaches: readonly string[]
  readonly acked: number
  readonly received: number
  readonly refused: number
  readonly again: number
  readonly lost: number
  readonly doubled: number
  readonly inverted: number
  readonly unanswered: number
  readonly ghosts: number
  readonly resumes: number
  readonly failed: number
  readonly faults: Readonly<Record<string, number>>
  readonly resume: Figures
  readonly back: Figures
  readonly latency: Figures
  readonly memory: number
}

export interface Key {
  readonly build: string
  readonly commit: string
  readonly trial: string
  readonly seed: number
  readonly seconds: number
}

export function resultOf(key: Key, { verdict, faults, memory, breaches }: Outcome): Result {
  const { acked, received, refused, again, resumes, failed, resume, back, latency } = verdict
  const { lost, doubled, inverted, unanswered, ghosts } = verdict
  return {
    date: new Date().toISOString(),
    ...key,
    passed: breaches.length === 0,
    breaches,
    acked,
    received,
    refused,
    again,
    lost: lost.length,
    doubled: doubled.length,
    inverted: inverted.length,
    unanswered: unanswered.length,
    ghosts: ghosts.length,
    resumes,
    failed,
    faults,
    resume,
    back,
    latency,
    memory,
  }
}

export function readResults(file: string): Result[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map(line => JSON.parse(line) as Result)
}

export function append(file: string, result: Result): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/** Whether a run of the same code, or of the same commit, is there. */
export function isKnown(results: readonly Result[], { build, commit, trial, seed, seconds }: Key): boolean {
  return results.some(
    result =>
      (result.build === build || (result.commit === commit && !commit.endsWith('+'))) &&
      result.trial === trial &&
      result.seed === seed &&
      result.seconds === seconds,
  )
}

/** The commit that is checked out in `root`, with `+` where packages or services differ from it. */
export function commitOf(root: string): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? ''
  const changed = git('status', '--porcelain', '--', 'packages', 'services') !== ''
  return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? '+' : ''}`
}
