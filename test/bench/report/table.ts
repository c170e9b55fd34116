import { SERVERS } from '../servers/server.ts'
import { cell, machine, subject, target } from './format.ts'
import { measured, type Result } from './result.ts'

const HEAD = ['', ...SERVERS, '÷ ejabberd', '÷ prosody', 'wanted', '']
/** What others may use of the server's core: the kernel's own work is there too. */
const QUIET = 0.1
const TITLES = ['server CPU by unit, unless another unit is shown', 'Parley', 'ejabberd', 'Prosody']

/** The table for people at a terminal, with what was left out or went wrong below it. */
export function table(result: Result): string {
  const lines = cells(result)
  const widths = HEAD.map((name, column) => Math.max(name.length, ...lines.map(line => line[column]!.length)))
  const show = (line: readonly string[]) =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [show(HEAD), ...lines.map(show), '', ...notes(result)].join('\n').trimEnd()
}

/** The same as Markdown, with the chart. */
export function markdown(result: Result): string {
  const row = (line: readonly string[]) => `| ${line.join(' | ')} |`
  const head = [...TITLES, 'Parley ÷ ejabberd', 'Parley ÷ Prosody', 'wanted', '']
  return [
    `${subject(result)}. ${machine(result)}.`,
    '',
    '![Server CPU and memory by unit of Parley, ejabberd and Prosody](bench/bench.svg)',
    '',
    row(head),
    row(head.map(() => '---')),
    ...cells(result).map(row),
    '',
    ...notes(result).map(note => `- ${note}`),
  ]
    .join('\n')
    .trimEnd()
}

function cells(result: Result): string[][] {
  return measured(result).map(found => [
    found.line.title,
    ...SERVERS.map(server => cell(found, server)),
    ...[found.ratios.ejabberd, found.ratios.prosody].map(ratio => ratio?.toFixed(2) ?? ''),
    target(found.line),
    found.verdict ?? '',
  ])
}

/** What is not in the table, and why, and what makes its figures doubtful: nothing is left out silently. */
function notes(result: Result): string[] {
  const missing = result.outcomes
    .filter(({ figures }) => !figures)
    .map(({ row, server, leftOut, failure }) =>
      failure === undefined ? `Left out: ${row} on ${server}: ${leftOut}` : `FAILED: ${row} on ${server}: ${failure}`,
    )
  const quick = result.quick ? ['A quick run: short, and with few sessions. Not for publication.'] : []
  return [...quick, ...disturbance(result), ...missing]
}

/** Whether the machine had other things to do. */
function disturbance({ outcomes }: Result): string[] {
  const shares = outcomes.flatMap(({ figures }) => figures?.['others'] ?? [])
  const disturbed = shares.filter(share => share > QUIET).length
  if (disturbed === 0) return []
  return [
    `Not quiet: others used the server’s core for more than ${QUIET * 100} % of ${disturbed} of ${shares.length} measurements.`,
  ]
}
