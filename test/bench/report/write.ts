import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../root.ts'
import { chart } from './chart.ts'
import { measured, type Result } from './result.ts'
import { markdown } from './table.ts'

const BEGIN = '<!-- bench: begin -->'
const END = '<!-- bench: end -->'

/** Writes the figures and the chart to a folder. */
export function writeTo(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true })
  const lines = measured(result).map(({ row, line, values, ratios, verdict }) => ({
    row: row.id,
    metric: line.metric,
    unit: line.unit,
    values,
    ratios,
    verdict,
  }))
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify({ ...result, lines }, null, 2)}\n`)
  writeFileSync(join(folder, 'bench.svg'), chart(result))
}

/** Writes them where they are published: docs/bench, and the table in docs/performance.md. */
export function publish(result: Result): void {
  writeTo(join(ROOT, 'docs/bench'), result)
  const page = join(ROOT, 'docs/performance.md')
  writeFileSync(page, between(readFileSync(page, 'utf8'), markdown(result)))
}

/** The page with new text between its marks. @throws Error where it has none */
export function between(page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`The page has no ${BEGIN} … ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`
}
