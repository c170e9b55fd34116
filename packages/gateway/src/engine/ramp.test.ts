import { expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { Ramp } from './ramp.ts'

const limits = { all: 100, host: 50 }

/** How many starts of a host there were, second by second. */
function counted(ramp: Ramp, host: string, count: number): { started: number } {
  const result = { started: 0 }
  for (let index = 0; index < count; index++) {
    ramp.enter(host, () => {
      result.started++
      ramp.report(host, true)
    })
  }
  return result
}

test('ten thousand sessions start as a ramp', () => {
  const clock = new FakeClock()
  const ramp = new Ramp(clock, limits)
  const hosts = ['a', 'b', 'c', 'd'].map(host => counted(ramp, host, 2500))
  const all = () => hosts.reduce((sum, { started }) => sum + started, 0)
  let before = all()
  expect(before).toBeLessThanOrEqual(20)
  for (let second = 0; second < 99; second++) {
    clock.advance(1000)
    expect(all() - before).toBeLessThanOrEqual(limits.all + 20)
    before = all()
  }
  clock.advance(5000)
  expect(hosts.map(({ started }) => started)).toEqual([2500, 2500, 2500, 2500])
  expect(ramp.waiting).toBe(0)
})

test('one host gets its share alone, and others do not wait behind it', () => {
  const clock = new FakeClock()
  const ramp = new Ramp(clock, limits)
  const many = counted(ramp, 'many', 1000)
  clock.advance(1000)
  expect(many.started).toBeLessThanOrEqual(60)
  const few = counted(ramp, 'few', 3)
  clock.advance(200)
  expect(few.started).toBe(3)
})

test('who does not want to start any more is not started', () => {
  const clock = new FakeClock()
  const ramp = new Ramp(clock, { all: 5, host: 5 })
  counted(ramp, 'a', 3)
  let started = 0
  const leave = ramp.enter('a', () => started++)
  leave()
  clock.advance(10_000)
  expect(started).toBe(0)
})

test('threat 160: a host that fails again and again is left alone, then one goes first', () => {
  const clock = new FakeClock()
  const ramp = new Ramp(clock, limits)
  let attempts = 0
  const attempt = () => ramp.enter('down', () => attempts++)
  for (let index = 0; index < 5; index++) {
    attempt()
    clock.advance(1000)
    ramp.report('down', false)
  }
  for (let index = 0; index < 100; index++) attempt()
  clock.advance(29_000)
  expect(attempts).toBe(5)
  clock.advance(2000)
  expect(attempts).toBe(6)
  ramp.report('down', false)
  clock.advance(59_000)
  expect(attempts).toBe(6)
  clock.advance(2000)
  expect(attempts).toBe(7)
  ramp.report('down', true)
  clock.advance(10_000)
  expect(attempts).toBe(105)
})

test('threat 160: a host that is down is no burden to another', () => {
  const clock = new FakeClock()
  const ramp = new Ramp(clock, limits)
  for (let index = 0; index < 5; index++) ramp.report('down', false)
  for (let index = 0; index < 1000; index++) ramp.enter('down', () => {})
  expect(counted(ramp, 'up', 5).started).toBe(5)
})
