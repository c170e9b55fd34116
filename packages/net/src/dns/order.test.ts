import { expect, test } from '@jest/globals'
import { inOrder } from './order.ts'

const record = (name: string, priority: number, weight: number) => ({ name, priority, weight })
const names = (records: readonly { name: string }[]) => records.map(each => each.name).join(' ')
/** Gives these numbers one after another. */
const drawing =
  (...numbers: number[]) =>
  () =>
    numbers.shift() ?? 0
const ALMOST_ONE = 1 - Number.EPSILON

test('RFC 2782: the lowest priority comes first, whatever the weights', () => {
  const records = [record('c', 30, 9), record('a', 10, 0), record('b', 20, 500)]
  expect(names(inOrder(records, () => ALMOST_ONE))).toBe('a b c')
})

test('RFC 2782: within a priority records are drawn by weight', () => {
  const records = [record('one', 1, 1), record('three', 1, 3)]
  // Running sums 1 and 4: of 0 to 4 the first record has 0 and 1.
  expect(names(inOrder(records, drawing(0.39)))).toBe('one three')
  expect(names(inOrder(records, drawing(0.41)))).toBe('three one')
  expect(names(inOrder(records, drawing(ALMOST_ONE)))).toBe('three one')
})

test('RFC 2782: a record of weight 0 comes first only when 0 is drawn', () => {
  const records = [record('ten', 1, 10), record('zero', 1, 0)]
  expect(names(inOrder(records, drawing(0)))).toBe('zero ten')
  expect(names(inOrder(records, drawing(0.1)))).toBe('ten zero')
})

test.each([0, 0.5, ALMOST_ONE])('records that all have weight 0 are all there when %d is drawn', drawn => {
  const records = [record('a', 1, 0), record('b', 1, 0), record('c', 1, 0)]
  expect(names(inOrder(records, () => drawn))).toBe('a b c')
})

test('weights as large as they can be are drawn like others', () => {
  const records = Array.from({ length: 100 }, (_, index) => record(`${index}`, 0, 65_535))
  expect(new Set(inOrder(records, () => ALMOST_ONE)).size).toBe(100)
})

test('a share of the draws follows the weights', () => {
  const records = [record('one', 0, 1), record('nine', 0, 9)]
  let seed = 0
  const evenly = () => (seed++ % 1100) / 1100
  const first = Array.from({ length: 1100 }, () => inOrder(records, drawing(evenly()))[0]!.name)
  // 11 numbers from 0 to 10: two of them, 0 and 1, fall on the first record.
  expect(first.filter(name => name === 'one')).toHaveLength(200)
})
