import { expect, test } from '@jest/globals'
import { Backoff } from './backoff.ts'

test('waits from 2 s to 5 min, up to three times as long as before', () => {
  const backoff = new Backoff()
  let last = 2000
  for (let index = 0; index < 1000; index++) {
    const wait = backoff.next()
    expect(wait).toBeGreaterThanOrEqual(2000)
    expect(wait).toBeLessThanOrEqual(Math.min(300_000, last * 3) + 1)
    last = wait
  }
})

test('reaches 5 min, and begins again when all is well', () => {
  const backoff = new Backoff(() => 0.999)
  const waits = Array.from({ length: 6 }, () => backoff.next())
  expect(waits.at(-1)).toBe(300_000)
  expect([...waits].sort((a, b) => a - b)).toEqual(waits)
  backoff.reset()
  expect(backoff.next()).toBeLessThan(6001)
})

test('many that failed at once do not come back at once', () => {
  const waits = new Set(Array.from({ length: 100 }, () => new Backoff().next()))
  expect(waits.size).toBeGreaterThan(90)
})
