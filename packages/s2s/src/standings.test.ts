import { describe, expect, test } from '@jest/globals'
import type { Clock } from '@xmpp/server-core'
import { Standings } from './standings.ts'

function staged(most?: { readonly partners: number; readonly contacts: number }) {
  const time = { now: 0 }
  const clock = { monotonic: () => time.now } as unknown as Clock
  return { time, standings: new Standings(clock, most) }
}

describe('what is remembered is bounded', () => {
  test('a partner without streams is forgotten first, then the one whose last stream began longest ago', () => {
    const { standings } = staged({ partners: 3, contacts: 100 })
    for (const name of ['a', 'b', 'c']) standings.began(name)
    standings.ended('b')
    standings.began('d')
    expect([...standings.all].map(({ partner }) => partner)).toEqual(['a', 'c', 'd'])
    standings.began('a')
    standings.began('e')
    expect([...standings.all].map(({ partner }) => partner)).toEqual(['d', 'a', 'e'])
    expect(standings.size).toBe(3)
  })

  test('addresses of all partners together are bounded', () => {
    const { standings } = staged({ partners: 10, contacts: 10 })
    for (const name of ['a', 'b', 'c'])
      for (let n = 0; n < 5; n++) standings.address(standings.of(name), `user${n}`, 1000)
    const sizes = [...standings.all].map(({ contacts }) => contacts.size)
    expect(sizes).toEqual([0, 5, 5])
  })

  test('a hundred thousand domains leave ten thousand', () => {
    const { standings } = staged()
    for (let n = 0; n < 100_000; n++) standings.address(standings.of(`domain${n}.test`), 'romeo@a.test', 1000)
    expect(standings.size).toBe(10_000)
  })
})

test('the rate: a burst, then as much as time brings, and never more than the burst', () => {
  const { standings, time } = staged()
  const b = standings.of('b.test')
  const waits = (count: number) => Array.from({ length: count }, () => standings.take(b, 10, 2))
  expect(waits(20).every(wait => wait === 0)).toBe(true)
  expect(waits(3)).toEqual([100, 200, 300])
  time.now += 1300
  expect(waits(11).filter(wait => wait > 0)).toEqual([100])
  time.now += 3_600_000
  expect(waits(21).filter(wait => wait > 0)).toEqual([100])
  expect(standings.take(b, 0, 2)).toBe(0)
})
