/** What is seen of each row and column, printed at the end; reasons stand below as notes. */
export class Matrix {
  readonly #title: string
  readonly #rows: string[] = []
  readonly #columns: string[] = []
  readonly #cells = new Map<string, string>()
  readonly #notes: string[] = []

  constructor(title: string) {
    this.#title = title
  }

  /** ✓, with what was seen if there is something to say. */
  good(row: string, column: string, seen = ''): void {
    this.#set(row, column, `✓ ${seen}`.trim())
  }

  bad(row: string, column: string, seen = ''): void {
    this.#set(row, column, `✗ ${seen}`.trim())
  }

  /** –, with a note that says why. */
  none(row: string, column: string, reason: string): void {
    if (!this.#notes.includes(reason)) this.#notes.push(reason)
    this.#set(row, column, `– ${superscript(this.#notes.indexOf(reason) + 1)}`)
  }

  toString(): string {
    const cell = (row: string, column: string) => this.#cells.get(`${row}\n${column}`) ?? ''
    const widths = this.#columns.map(column =>
      Math.max(column.length, ...this.#rows.map(row => cell(row, column).length)),
    )
    const first = Math.max(...this.#rows.map(row => row.length))
    const line = (head: string, cells: readonly string[]) =>
      [head.padEnd(first), ...cells.map((text, index) => text.padEnd(widths[index]!))].join('  ').trimEnd()
    return [
      '',
      `── ${this.#title} ──`,
      line('', this.#columns),
      ...this.#rows.map(row =>
        line(
          row,
          this.#columns.map(column => cell(row, column)),
        ),
      ),
      ...this.#notes.map((note, index) => `${superscript(index + 1)} ${note}`),
      '',
    ].join('\n')
  }

  #set(row: string, column: string, text: string): void {
    if (!this.#rows.includes(row)) this.#rows.push(row)
    if (!this.#columns.includes(column)) this.#columns.push(column)
    this.#cells.set(`${row}\n${column}`, text)
  }
}

function superscript(number: number): string {
  return [...String(number)].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')
}
