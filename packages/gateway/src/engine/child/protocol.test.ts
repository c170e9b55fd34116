import { expect, test } from '@jest/globals'
import { Batch, Questions } from './protocol.ts'

test('what is said in one turn goes as one message', async () => {
  const sent: (readonly number[])[] = []
  const batch = new Batch<number>(list => sent.push(list))
  batch.push(1)
  batch.push(2)
  expect(sent).toEqual([])
  await Promise.resolve()
  batch.push(3)
  batch.flush()
  batch.flush()
  await Promise.resolve()
  expect(sent).toEqual([[1, 2], [3]])
})

test('questions are answered by their number, or all at once', async () => {
  const questions = new Questions()
  const asked: number[] = []
  const ask = () => questions.ask(n => asked.push(n))
  const [first, second, third] = [ask(), ask(), ask()]
  questions.answer(asked[1]!, 'b')
  questions.answer(99, 'nobody')
  questions.fail(asked[0]!, new Error('no'))
  expect(await second).toBe('b')
  await expect(first).rejects.toThrow('no')
  expect(questions.size).toBe(1)
  questions.failAll(new Error('gone'))
  await expect(third).rejects.toThrow('gone')
  expect(questions.size).toBe(0)
})

test('questions about one session end with it', async () => {
  const questions = new Questions()
  const ask = (of: number) => questions.ask(() => {}, of)
  const [mine, other] = [ask(1), ask(2)]
  questions.failAll(new Error('it has ended'), 1)
  await expect(mine).rejects.toThrow('it has ended')
  expect(questions.size).toBe(1)
  questions.failAll(new Error('gone'))
  await expect(other).rejects.toThrow('gone')
})
