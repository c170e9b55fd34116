import { expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { Health } from './health.ts'

function asked(health: () => Promise<number>, count: () => Promise<number> = async () => 0) {
  const clock = new FakeClock()
  return { clock, draining: false, store: { health }, live: { count } }
}

test('many who ask at once cost one look', async () => {
  let looks = 0
  const health = new Health(asked(async () => ++looks))
  expect(await Promise.all([health.problem(), health.problem(), health.roundTrip()])).toEqual([undefined, undefined, 1])
  expect(await health.roundTrip()).toBe(2)
})

test('what does not answer within two seconds does not answer; later it may', async () => {
  let answer: (ms: number) => void = () => {}
  const parts = asked(
    () =>
      new Promise(resolve => {
        answer = resolve
      }),
  )
  const health = new Health(parts)
  const problem = health.problem()
  parts.clock.advance(1999)
  parts.clock.advance(1)
  expect(await problem).toBe('the database does not answer')
  const again = health.problem()
  answer(1)
  expect(await again).toBeUndefined()
})

test('a server that begins to go down while it is looked at is not ready', async () => {
  const parts = { ...asked(async () => 1), draining: false }
  const problem = new Health(parts).problem()
  parts.draining = true
  expect(await problem).toBe('the server is going down')
})
