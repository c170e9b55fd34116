import { SERVERS } from '../servers/server.ts'
import { target as targetText, value } from './format.ts'
import { measured, type Result } from './result.ts'

const HEAD = ['', ...SERVERS, '÷ ejabberd', '÷ prosody', 'target', '']

/** The table for people at a terminal, with what was left out or went wrong below it. */
export function table(result: Result): string {
  const lines = cells(result)
  const widths = HEAD.map((name, column) => Math.max(...[HEAD, ...lines].map(line => (line[column] ?? name).length)))
  const show = (line: readonly string[]) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [show(HEAD), ...lines.map(show), '', ...notes(result)].join('\n').trimEnd()
}

/** The same as Markdown. */
export function markdown(result: Result): string {
  const head = ['', 'Parley', 'ejabberd', 'Prosody', 'Parley ÷ ejabberd', 'Parley ÷ Prosody', 'target', '']
  const row = (line: readonly string[]) => `| ${line.join(' | ')} |`
  return [
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
  return measured(result).map(({ line, values, ratios, verdict }) => [
    line.title,
    ...SERVERS.map(server => value(values[server], line.unit)),
    ...[ratios.ejabberd, ratios.prosody].map(ratio => (ratio === undefined ? '' : ratio.toFixed(2))),
    line.target ? targetText(line) : '',
    verdict ?? '',
  ])
}

/** What is not in the table, and why: nothing is left out silently. */
function notes({ outcomes }: Result): string[] {
  return outcomes
    .filter(({ figures }) => !figures)
    .map(({ row, server, leftOut, failure }) =>
      failure === undefined ? `Left out: ${row} on ${server}: ${leftOut}` : `FAILED: ${row} on ${server}: ${failure}`,
    )
}
