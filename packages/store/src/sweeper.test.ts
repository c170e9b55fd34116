import { expect, test } from '@jest/globals'
import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import { Sweeper } from './sweeper.ts'

/** A database whose statements wait for the test to answer or refuse them. */
function slow() {
  const asked: { readonly name: string; answer(): void; refuse(error: Error): void }[] = []
  const run = ({ name }: { readonly name: string }) =>
    new Promise<number>((resolve, reject) => asked.push({ name, answer: () => resolve(1), refuse: reject }))
  return { asked, sweeper: new Sweeper({ run } as unknown as Database, () => undefined) }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

test('a flush waits for what another one has begun', async () => {
  const { asked, sweeper } = slow()
  sweeper.clear('romeo@a.test', [1n])
  const first = sweeper.flush()
  await turn()
  let done = false
  const second = sweeper.flush().then(() => {
    done = true
  })
  await turn()
  expect(done).toBe(false)
  asked[0]!.answer()
  await Promise.all([first, second])
  expect(asked).toHaveLength(1)
})

test('what a flush could not clear is cleared by the next one', async () => {
  const { asked, sweeper } = slow()
  sweeper.clear('romeo@a.test', [1n])
  sweeper.handedOn('stream', 4)
  const failed = sweeper.flush()
  await turn()
  asked[0]!.answer()
  await turn()
  asked[1]!.refuse(new StoreError('unavailable', 'away'))
  await expect(failed).rejects.toThrow('away')
  const again = sweeper.flush()
  await turn()
  expect(asked.map(({ name }) => name)).toEqual(['log-clear-owed', 'log-handed-on', 'log-handed-on'])
  asked[2]!.answer()
  await again
})
