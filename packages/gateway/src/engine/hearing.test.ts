import { expect, test } from '@jest/globals'
import type { Event } from '@parley/adapter'
import { FakeClock } from '@parley/testkit'
import { Hearing, type HearingParts, hearingPace } from './hearing.ts'
import { Slices } from './slices.ts'

const notice = (text: string): Event => ({ type: 'notice', text })
const many = (count: number) => Array.from({ length: count }, (_, index) => notice(`${index}`))
const hearingOf = (parts: Omit<HearingParts, 'pace' | 'slices'>) =>
  new Hearing({ ...parts, pace: hearingPace(parts.clock), slices: new Slices() })
const turn = () => new Promise(resolve => setImmediate(resolve))

test('events are heard in order, each when the one before is done', async () => {
  const heard: string[] = []
  const hearing = hearingOf({
    clock: new FakeClock(),
    credit: () => {},
    async hear(event) {
      await turn()
      heard.push(event.type === 'notice' ? event.text : '')
    },
  })
  hearing.add([notice('a'), notice('b')])
  hearing.add([notice('c')])
  await hearing.done()
  expect(heard).toEqual(['a', 'b', 'c'])
})

test('what has been heard makes room for more, exactly so much', async () => {
  let credit = 0
  const hearing = hearingOf({
    clock: new FakeClock(),
    hear: () => {},
    credit: count => {
      credit += count
    },
  })
  for (const count of [1, 31, 32, 100, 256]) hearing.add(many(count))
  await hearing.done()
  expect(credit).toBe(420)
})

test('threat 161: a flood is heard at a pace, and others have their turn meanwhile', async () => {
  const clock = new FakeClock()
  let heard = 0
  const hearing = hearingOf({
    clock,
    credit: () => {},
    hear: () => {
      heard++
    },
  })
  hearing.add(many(10_000))
  await turn()
  expect(heard).toBeLessThanOrEqual(100)
  for (let round = 0; round < 200; round++) await turn()
  expect(heard).toBe(2000)
  for (let second = 0; second < 2; second++) {
    for (let step = 0; step < 200; step++) {
      clock.advance(5)
      await turn()
    }
  }
  expect(heard).toBeGreaterThan(2300)
  expect(heard).toBeLessThanOrEqual(2400)
})
