import { readFileSync, writeFileSync } from 'node:fs'
import { TRIALS } from './plan.ts'
import type { Result } from './results.ts'

const BEGIN = '<!-- runs: made by scripts/faults.mjs from test/faults/results.jsonl -->'
const END = '<!-- end of runs -->'

/** Writes the table of all runs between its marks in a page. */
export function writeTable(page: string, results: readonly Result[]): void {
  const text = readFileSync(page, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`${page} has no place for the runs`)
  writeFileSync(page, `${before}${BEGIN}\n\n${table(results)}\n${END}${after}`)
}

/** The newest code that was tried with each trial, a row for each trial. */
export function table(results: readonly Result[]): string {
  const head = [
    'test',
    'runs',
    'passed',
    'faults',
    'messages',
    'lost',
    'doubled',
    'inverted',
    'unanswered',
    'ghosts',
    'resumed',
    'failed',
    'resumed in, 99 % (ms)',
    'service back, 99 % (ms)',
  ]
  const rows = TRIALS.map(({ id, title }) => {
    const runs = newest(results.filter(({ trial }) => trial === id))
    const sum = (of: (result: Result) => number) => runs.reduce((total, result) => total + of(result), 0)
    const max = (of: (result: Result) => number) => Math.max(0, ...runs.map(of))
    return [
      `${id}: ${title}`,
      runs.length,
      runs.filter(({ passed }) => passed).length,
      sum(({ faults }) => Object.values(faults).reduce((total, count) => total + count, 0)),
      sum(({ acked }) => acked),
      sum(({ lost }) => lost),
      sum(({ doubled }) => doubled),
      sum(({ inverted }) => inverted),
      sum(({ unanswered }) => unanswered),
      sum(({ ghosts }) => ghosts),
      sum(({ resumes }) => resumes),
      sum(({ failed }) => failed),
      max(({ resume }) => resume.p99),
      max(({ back }) => back.p99),
    ]
  })
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}

function newest(results: readonly Result[]): readonly Result[] {
  const last = results.at(-1)
  return last ? results.filter(({ build }) => build === last.build) : []
}
