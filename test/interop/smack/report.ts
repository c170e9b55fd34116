import { excuseOf } from './known.ts'

/** One test, on one kind of connection. */
export interface Result {
  /** `Class.method (kind)` */
  readonly name: string
  readonly result: 'passed' | 'failed' | 'impossible'
  readonly milliseconds: number
  /** `XEP-0045`; empty where the test names none. */
  readonly document: string
  readonly section: string
  readonly quote: string
  /** Why it failed or could not run. */
  readonly reason: string
  /** Why it failed among the others, where it passed alone. */
  readonly before: string
}

export interface Run {
  readonly smack: string
  readonly results: readonly Result[]
}

export interface Counts {
  passed: number
  /** Those that are known not counted. */
  failed: number
  known: number
  impossible: number
}

/** What the runner wrote: a line for the run, then one for each test. @throws Error where it is not that */
export function readRun(text: string): Run {
  const [head, ...rest] = text.split('\n').filter(line => line !== '')
  if (head === undefined) throw new Error('The runner wrote nothing')
  const { smack } = JSON.parse(head) as { smack: string }
  const results = rest.map(line => {
    const read = JSON.parse(line) as Record<string, string>
    return { ...read, milliseconds: Number(read['milliseconds']) } as unknown as Result
  })
  return { smack, results }
}

export function count(results: readonly Result[]): Counts {
  const counts = { passed: 0, failed: 0, known: 0, impossible: 0 }
  for (const result of results) counts[kindOf(result)]++
  return counts
}

function kindOf(result: Result): keyof Counts {
  return result.result === 'failed' && excuseOf(result) !== undefined ? 'known' : result.result
}

/** The counts of each specification, in the order of their names; those that name none come last. */
export function bySpecification(results: readonly Result[]): Map<string, Counts> {
  const names = [...new Set(results.map(({ document }) => document))].sort()
  const ordered = [...names.filter(name => name !== ''), ...names.filter(name => name === '')]
  return new Map(ordered.map(name => [name || NONE, count(results.filter(({ document }) => document === name))]))
}

const NONE = 'no specification'

/** The whole report, for people. */
export function report({ smack, results }: Run, seconds: number): string {
  const rows = [...bySpecification(results)].map(([name, counts]) => row(name, counts))
  const failures = results.filter(({ result }) => result === 'failed').map(failure)
  const alone = results
    .filter(({ before }) => before !== '')
    .map(({ name, before }) => `PASSED alone: ${name}; among the others: ${firstLine(before)}`)
  const all = count(results)
  const known = all.known > 0 ? `, ${amount(all.known, 'known failure')}` : ''
  return [
    ['specification', 'passed', 'failed', 'known', 'impossible'].map((title, i) => column(title, i)).join(''),
    ...rows,
    '',
    ...impossible(results),
    ...alone,
    ...failures,
    '',
    `Smack ${smack}: ${all.passed} passed, ${all.failed} failed${known}, ${all.impossible} impossible (${seconds.toFixed(0)} s)`,
  ].join('\n')
}

function amount(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function row(name: string, { passed, failed, known, impossible: not }: Counts): string {
  return [name, passed, failed, known, not].map((value, i) => column(String(value), i)).join('')
}

function column(text: string, index: number): string {
  return index === 0 ? text.padEnd(18) : text.padStart(12)
}

/** One line for each reason. */
function impossible(results: readonly Result[]): string[] {
  const reasons = new Map<string, string[]>()
  for (const { result, name, reason } of results) {
    if (result === 'impossible') reasons.set(reason, [...(reasons.get(reason) ?? []), name.split('.')[0]!])
  }
  return [...reasons].map(([reason, names]) => {
    const classes = [...new Set(names)].join(', ')
    return `IMPOSSIBLE ${classes}: ${amount(names.length, 'test')}: ${firstLine(reason)}`
  })
}

function failure(result: Result): string {
  const { name, document, section, quote, reason } = result
  const excuse = excuseOf(result)
  const where = [document, section && `§${section}`].filter(Boolean).join(' ')
  return [
    `${excuse === undefined ? 'FAILED' : 'KNOWN'} ${name}${where && ` (${where})`}`,
    `  ${firstLine(reason)}`,
    ...(quote === '' ? [] : [`  “${quote}”`]),
    ...(excuse === undefined ? [] : [`  ${excuse}`]),
  ].join('\n')
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}
