import { expect, test } from '@jest/globals'
import type { Clock } from '@parley/net'
import { networkOf, Throttle } from './throttle.ts'

let now = 0
const clock: Clock = {
  now: () => now,
  monotonic: () => now,
  every: () => () => undefined,
  after: () => () => undefined,
}

test('so many at once, then as many as come back with time', () => {
  const throttle = new Throttle(clock, 3)
  expect([1, 2, 3, 4].map(() => throttle.take('a'))).toEqual([true, true, true, false])
  expect(throttle.take('b')).toBe(true)
  now += 19_999
  expect(throttle.take('a')).toBe(false)
  now += 1
  expect(throttle.take('a')).toBe(true)
  expect(throttle.take('a')).toBe(false)
  now += 10 * 60_000
  expect([1, 2, 3, 4].map(() => throttle.take('a'))).toEqual([true, true, true, false])
  throttle.forgive('a')
  expect(throttle.take('a')).toBe(true)
})

test('looking counts nothing; counting never owes', () => {
  const throttle = new Throttle(clock, 2)
  for (let i = 0; i < 10; i++) expect(throttle.allows('a')).toBe(true)
  for (let i = 0; i < 10; i++) throttle.count('a')
  expect(throttle.allows('a')).toBe(false)
  now += 30_000
  expect(throttle.allows('a')).toBe(true)
})

test('0 is no limit', () => {
  const throttle = new Throttle(clock, 0)
  expect(Array.from({ length: 1000 }, () => throttle.take('a')).every(Boolean)).toBe(true)
})

test('who is asked about again and again does not fill the memory of others', () => {
  const throttle = new Throttle(clock, 1)
  throttle.take('first')
  for (let i = 0; i < 20_001; i++) throttle.take(`key${i}`)
  // The oldest is forgotten, and the latest is not.
  expect([throttle.allows('first'), throttle.allows('key20000')]).toEqual([true, false])
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
