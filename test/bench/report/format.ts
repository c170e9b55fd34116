import type { Line } from '../rows.ts'

/** A figure with its unit, three digits of it: a measurement is not more exact. */
export function value(figure: number | undefined, unit: Line['unit']): string {
  if (figure === undefined) return '–'
  if (unit === 'µs' && figure >= 1000) return value(figure / 1000, 'ms')
  const digits = figure >= 100 || Number.isInteger(figure) ? 0 : figure >= 10 ? 1 : 2
  return `${figure.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`
}

/** What is wanted, in words: `≤ 1/5 of ejabberd`, `≤ 40 KB`, `none`. */
export function target({ target, unit }: Line): string {
  if (!target) return ''
  const { atMost, of } = target
  if (of === undefined) return atMost === 0 ? 'none' : `≤ ${atMost}${unit === '' ? '' : ` ${unit}`}`
  return atMost === 1 ? `≤ ${of}` : `≤ ${fraction(atMost)} of ${of}`
}

function fraction(share: number): string {
  for (let under = 1; under <= 20; under++) {
    const over = Math.round(share * under)
    if (Math.abs(over / under - share) < 1e-9) return `${over}/${under}`
  }
  return share.toFixed(2)
}
