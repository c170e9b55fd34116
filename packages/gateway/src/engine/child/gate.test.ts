import { expect, test } from '@jest/globals'
import { Gate } from './gate.ts'

test('no more events are on their way than may be, and everything keeps its order', () => {
  const went: string[] = []
  const gate = new Gate(10)
  const pass = (name: string, cost: number) => gate.pass({ cost, go: () => went.push(name) })
  pass('a', 6)
  pass('answer to a', 0)
  pass('b', 6)
  pass('answer to b', 0)
  pass('c', 1)
  expect(went).toEqual(['a', 'answer to a'])
  gate.heard(1)
  expect(went).toEqual(['a', 'answer to a'])
  gate.heard(1)
  expect(went).toEqual(['a', 'answer to a', 'b', 'answer to b'])
  gate.heard(6)
  expect(went.at(-1)).toBe('c')
})

test('a lot that is larger than the gate passes when nothing else is on its way', () => {
  const went: number[] = []
  const gate = new Gate(10)
  for (const cost of [5, 50, 1]) gate.pass({ cost, go: () => went.push(cost) })
  expect(went).toEqual([5])
  gate.heard(5)
  expect(went).toEqual([5, 50])
  gate.heard(50)
  expect(went).toEqual([5, 50, 1])
})
