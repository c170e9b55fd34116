import { expect, test } from '@jest/globals'
import { Fifo } from './fifo.ts'

test('what comes in first goes out first, however much it is', () => {
  const fifo = new Fifo<number>()
  let [came, went] = [0, 0]
  for (const [more, less] of [
    [3, 1],
    [40, 30],
    [0, 12],
    [200, 5],
    [7, 202],
  ] as const) {
    for (let i = 0; i < more; i++) fifo.push(came++)
    expect(fifo.first).toBe(went)
    for (let i = 0; i < less; i++) expect(fifo.shift()).toBe(went++)
    expect([...fifo]).toEqual(Array.from({ length: came - went }, (_, i) => went + i))
    expect(fifo.size).toBe(came - went)
  }
  expect(fifo.shift()).toBeUndefined()
  expect(fifo.first).toBeUndefined()
})

test('several are taken at once, as many as there are', () => {
  const fifo = new Fifo(['a', 'b', 'c'])
  expect(fifo.take(2)).toEqual(['a', 'b'])
  expect(fifo.take(2)).toEqual(['c'])
  expect(fifo.take(2)).toEqual([])
})
