import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Result } from './result.ts'
import { markdown } from './table.ts'

/** From test/bench/dist/report. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const BEGIN = '<!-- bench: begin -->'
const END = '<!-- bench: end -->'

/** Writes the figures where they belong; a partial run only where it is told to. */
export function write(result: Result, out: string | undefined, whole: boolean): void {
  const folder = out ?? (whole ? join(ROOT, 'docs/bench') : undefined)
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`)
  if (out !== undefined || !whole) return
  const page = join(ROOT, 'docs/performance.md')
  writeFileSync(page, between(readFileSync(page, 'utf8'), markdown(result)))
}

/** The page with new text between its marks. @throws Error where it has none */
export function between(page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`The page has no ${BEGIN} … ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`
}
