import { expect, test } from '@jest/globals'
import { Distribution } from './stats.ts'

test('a value falls into the first range whose upper end it does not exceed', () => {
  const distribution = new Distribution([1, 5])
  for (const value of [0, 1, 1.5, 5, 6, 100]) distribution.add(value)
  expect([distribution.counts, distribution.sum]).toEqual([[2, 2, 2], 113.5])
})
