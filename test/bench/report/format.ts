import type { Line } from '../rows.ts'
import type { Measured, Result } from './result.ts'

/** A figure with its unit, three digits of it: a measurement is not more exact. */
export function value(figure: number | undefined, unit: Line['unit']): string {
  if (figure === undefined) return '–'
  if (unit === 'µs' && figure >= 1000) return value(figure / 1000, 'ms')
  const digits = figure >= 100 || Number.isInteger(figure) ? 0 : figure >= 10 ? 1 : 2
  return `${figure.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`
}

/** A figure of one server in a line; that of another row stands in parentheses. */
export function cell({ line, values, borrowed }: Measured, server: keyof Measured['values']): string {
  const [own, other] = [values[server], borrowed[server]]
  return own === undefined && other !== undefined ? `(${value(other, line.unit)})` : value(own, line.unit)
}

/** What is wanted, in words: `≤ 1/5 of ejabberd`, `≤ 40 KB`, `none`. */
export function target({ target, unit }: Pick<Line, 'target' | 'unit'>): string {
  if (!target) return ''
  const { atMost, of } = target
  if (of === undefined) return atMost === 0 ? 'none' : `≤ ${atMost}${unit === '' ? '' : ` ${unit}`}`
  return atMost === 1 ? `≤ ${of}` : `≤ ${fraction(atMost)} of ${of}`
}

/** What was measured, and when. */
export function subject({ date, commit, outcomes }: Result): string {
  const software = [...new Set(outcomes.flatMap(({ software }) => software ?? []))].join(', ')
  return `${software}; commit ${commit}, ${date.slice(0, 10)}`
}

/** What it was measured on. */
export function machine({ machine }: Result): string {
  const { processor, cores, memoryGb, system, node } = machine
  return `${processor}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}`
}

function fraction(share: number): string {
  for (let under = 1; under <= 20; under++) {
    const over = Math.round(share * under)
    if (Math.abs(over / under - share) < 1e-9) return `${over}/${under}`
  }
  return share.toFixed(2)
}
