import { describe, expect, test } from '@jest/globals'
import { ArchiveIds, firstIdAt, idFromText, idText, idTime } from './ids.ts'

describe('archive ids', () => {
  test('carry their time and grow within a millisecond', () => {
    let now = Date.UTC(2026, 10, 20)
    const ids = new ArchiveIds(() => now)
    const first = ids.next()
    expect(idTime(first)).toBe(now)
    expect(ids.next()).toBe(first + 1n)
    now += 5
    expect(idTime(ids.next())).toBe(now)
  })

  test('grow when the clock stands still for long or steps back', () => {
    let now = Date.UTC(2026, 10, 20)
    const ids = new ArchiveIds(() => now)
    let last = -1n
    for (let n = 0; n < 20_000; n++) {
      if (n === 10_000) now -= 3_600_000
      const id = ids.next()
      expect(id > last).toBe(true)
      last = id
    }
    expect(idTime(last) - Date.UTC(2026, 10, 20)).toBeLessThan(10)
  })

  test('go on after the largest stored id, whatever the clock says', () => {
    const ids = new ArchiveIds(() => Date.UTC(2026, 0, 1))
    const stored = firstIdAt(Date.UTC(2026, 0, 2)) + 99n
    ids.startAfter(stored)
    ids.startAfter(5n)
    expect(ids.next() > stored).toBe(true)
  })

  test('of different nodes differ in the same millisecond', () => {
    const now = Date.UTC(2026, 10, 20)
    const [a, b] = [new ArchiveIds(() => now), new ArchiveIds(() => now)]
    a.node = 1
    b.node = 1023
    expect(new Set([a.next(), a.next(), b.next(), b.next()]).size).toBe(4)
    expect(() => {
      a.node = 1024
    }).toThrow(RangeError)
  })

  test('as text sort as they do, and come back', () => {
    const ids = [
      0n,
      1n,
      31n,
      32n,
      firstIdAt(Date.UTC(2020, 0, 1, 0, 0, 1)),
      firstIdAt(Date.UTC(2026, 0, 1)) + 4095n,
      (1n << 63n) - 1n,
    ]
    const texts = ids.map(idText)
    expect(texts).toEqual([...texts].sort())
    expect(texts.map(idFromText)).toEqual(ids)
    expect(new Set(texts.map(text => text.length))).toEqual(new Set([13]))
  })

  test.each([
    '',
    '0',
    '8000000000000',
    '00000000000000',
    '000000000000w',
    '000000000000V',
    '-000000000001',
    '0000000 00000',
  ])('%j is not an id', text => {
    expect(idFromText(text)).toBeUndefined()
  })
})
