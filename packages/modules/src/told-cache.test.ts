import { describe, expect, test } from '@jest/globals'
import { ToldCache } from './told-cache.ts'

describe('values that others may change', () => {
  test('are read once, by all who ask meanwhile', async () => {
    let reads = 0
    const cache = new ToldCache(10, async key => `${key}${++reads}`)
    expect(await Promise.all([cache.get('a'), cache.get('a')])).toEqual(['a1', 'a1'])
    expect(cache.get('a')).toBe('a1')
  })

  test('are read again where somebody says that they have changed, during a read too', async () => {
    const answers: ((value: string) => void)[] = []
    const cache = new ToldCache(10, () => new Promise<string>(resolve => answers.push(resolve)))
    const early = cache.get('a')
    cache.forget('a')
    const late = cache.get('a')
    answers[0]!('old')
    answers[1]!('new')
    expect([await early, await late, cache.get('a')]).toEqual(['old', 'new', 'new'])
  })

  test('are forgotten, the oldest first; a read that fails is tried again', async () => {
    let reads = 0
    const cache = new ToldCache(2, async key => {
      if (++reads === 4) throw new Error('away')
      return key
    })
    for (const key of ['a', 'b', 'c']) await cache.get(key)
    expect([cache.get('b'), cache.get('c')]).toEqual(['b', 'c'])
    await expect(cache.get('a')).rejects.toThrow('away')
    expect(await cache.get('a')).toBe('a')
  })
})
