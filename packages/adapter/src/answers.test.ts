import { expect, test } from '@jest/globals'
import { Answers } from './answers.ts'
import { AdapterError } from './errors.ts'
import { Once } from './once.ts'

function clock() {
  const due: (() => void)[] = []
  return {
    due,
    now: () => 0,
    every: () => () => undefined,
    after: (_ms: number, run: () => void) => {
      due.push(run)
      return () => due.splice(due.indexOf(run), 1)
    },
  }
}

test('questions under one key are answered in their order, and no timer stays', async () => {
  const time = clock()
  const answers = new Answers<string>(time)
  const [first, second] = [answers.wait('a'), answers.wait('a')]
  expect(answers.give('a', '1')).toBe(true)
  expect(answers.give('b', '1')).toBe(false)
  expect(answers.refuse('a', new AdapterError('not-found', 'Nobody'))).toBe(true)
  expect(await first).toBe('1')
  await expect(second).rejects.toMatchObject({ failure: 'not-found' })
  expect(time.due).toEqual([])
})

test('what is not answered fails: in time, at the end, or where too much waits', async () => {
  const time = clock()
  const answers = new Answers<string>(time)
  const late = answers.wait('a')
  time.due[0]?.()
  await expect(late).rejects.toMatchObject({ failure: 'transient' })
  const waiting = Array.from({ length: 256 }, () => answers.wait('b'))
  await expect(answers.wait('c')).rejects.toMatchObject({ failure: 'limited' })
  answers.end(new AdapterError('replaced', 'Elsewhere'))
  for (const one of waiting) await expect(one).rejects.toMatchObject({ failure: 'replaced' })
})

test('what comes again is done once, unless it failed', async () => {
  const once = new Once()
  let done = 0
  const work = async () => ++done
  expect(await once.run('k', work)).toBe(1)
  expect(await once.run('k', work)).toBe(1)
  await expect(once.run('f', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await once.run('f', work)).toBe(2)
})
