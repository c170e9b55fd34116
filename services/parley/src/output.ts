import type { CommandResult, CommandRow } from '@xmpp/server-core'

/** Prints what a command answered: for people a table and a sentence, for programs JSON. */
export function print({ text, rows }: CommandResult, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ text, rows }, null, 2))
    return
  }
  if (rows && rows.length > 0) console.log(table(rows))
  if (text !== undefined) console.log(text)
}

/** Columns as wide as their widest value. */
export function table(rows: readonly CommandRow[]): string {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  const cells = rows.map(row => columns.map(column => show(row[column])))
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map(row => row[index]!.length)))
  const line = (values: readonly string[]) =>
    values
      .map((value, index) => value.padEnd(widths[index]!))
      .join('  ')
      .trimEnd()
  return [line(columns.map(column => column.toUpperCase())), ...cells.map(line)].join('\n')
}

function show(value: CommandRow[string]): string {
  if (value === undefined) return ''
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  // Text of users must not reach a terminal as control codes.
  return String(value).replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
}
