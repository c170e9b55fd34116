import { expect, test } from '@jest/globals'
import { Slices } from './slices.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('so many go in a turn, in order, whoever wants how much', async () => {
  const slices = new Slices()
  const went: number[] = []
  const go = async (index: number) => {
    await slices.take()
    went.push(index)
  }
  const all = Array.from({ length: 100 }, (_, index) => go(index))
  await Promise.resolve()
  await Promise.resolve()
  expect(went).toHaveLength(32)
  await turn()
  expect(went.length).toBeLessThanOrEqual(64)
  await Promise.all(all)
  expect(went).toEqual(Array.from({ length: 100 }, (_, index) => index))
})

test('after a pause nobody waits', async () => {
  const slices = new Slices()
  expect(slices.take()).toBeUndefined()
  await turn()
  await turn()
  expect(slices.take()).toBeUndefined()
})
