import { expect, test } from '@jest/globals'
import { isPassword } from './password.ts'

/** Median time of many comparisons (ns). */
function timeOf(given: string, wanted: string): number {
  const times = Array.from({ length: 2001 }, () => {
    const start = process.hrtime.bigint()
    isPassword(given, wanted)
    return Number(process.hrtime.bigint() - start)
  })
  return times.sort((a, b) => a - b)[1000]!
}

test('threat 93: a password is compared as a whole, whatever its length', () => {
  expect(isPassword('cauldronburn', 'cauldronburn')).toBe(true)
  for (const given of ['', 'c', 'cauldronbur', 'cauldronburn ', 'Cauldronburn', 'x'.repeat(5000)])
    expect(isPassword(given, 'cauldronburn')).toBe(false)
})

test('threat 93: how much of it was right, time does not tell', () => {
  const wanted = 'p'.repeat(256)
  const near = `${'p'.repeat(255)}x`
  const far = `x${'p'.repeat(255)}`
  timeOf(near, wanted)
  const ratio = timeOf(near, wanted) / timeOf(far, wanted)
  // A comparison that stops at the first difference is faster by far more than noise is.
  expect(ratio).toBeGreaterThan(0.5)
  expect(ratio).toBeLessThan(2)
})
