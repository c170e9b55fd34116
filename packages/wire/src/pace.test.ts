import { expect, test } from '@jest/globals'
import { Pace } from './pace.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('so many begin in a turn, the others later, all in order', async () => {
  const pace = new Pace(2)
  const begun: number[] = []
  for (let n = 1; n <= 5; n++) pace.begin(() => begun.push(n))
  expect(begun).toEqual([1, 2])
  await turn()
  expect(begun).toEqual([1, 2, 3, 4])
  // What comes now is behind what waits.
  pace.begin(() => begun.push(6))
  await turn()
  expect(begun).toEqual([1, 2, 3, 4, 5, 6])
  await turn()
  pace.begin(() => begun.push(7))
  expect(begun.at(-1)).toBe(7)
})
