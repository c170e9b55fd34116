import { expect, test } from '@jest/globals'
import { Turns } from './turns.ts'

test('what is asked for while something is done waits for it, also where that fails', async () => {
  const turns = new Turns()
  const done: string[] = []
  let free = () => {}
  const first = turns.run(async () => {
    await new Promise<void>(resolve => {
      free = resolve
    })
    done.push('first')
    throw new Error('no')
  })
  const second = turns.run(async () => {
    done.push('second')
    return 2
  })
  await new Promise(resolve => setImmediate(resolve))
  expect(done).toEqual([])
  free()
  await expect(first).rejects.toThrow('no')
  expect(await second).toBe(2)
  expect(done).toEqual(['first', 'second'])
})
