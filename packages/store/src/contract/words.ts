import { describe, expect, test } from '@jest/globals'
import { firstIdAt } from '../ids.ts'
import type { Store } from '../store.ts'
import { fresh } from './drivers.ts'

export function wordSuite(use: () => Store): void {
  describe('words of an archive', () => {
    const spans = async (owner: string) => {
      const { words } = use()
      await words.add(owner, { after: -1n, upto: 10n }, new Set(['soft', 'light']))
      await words.add(owner, { after: 10n, upto: 20n }, new Set(['soft', 'ärger', '東京']))
      await words.add(owner, { after: 20n, upto: 30n }, new Set())
    }
    const find = async (owner: string, words: string[], changes = {}) => {
      const page = { limit: 9, backwards: false, ...changes }
      return (await use().words.find(owner, words, page)).map(({ upto }) => Number(upto))
    }

    test('name the spans that may have them all', async () => {
      const owner = fresh('romeo')
      expect(await use().words.end(owner)).toBe(-1n)
      await spans(owner)
      expect(await use().words.end(owner)).toBe(30n)
      expect(await find(owner, ['soft'])).toEqual([10, 20])
      expect(await find(owner, ['soft'], { backwards: true })).toEqual([20, 10])
      expect(await find(owner, ['soft'], { backwards: true, limit: 1 })).toEqual([20])
      expect(await find(owner, ['soft', 'light'])).toEqual([10])
      expect(await find(owner, ['ärger', '東京'])).toEqual([20])
      expect(await find(owner, ['window'])).toEqual([])
      expect(await find(owner, [])).toEqual([10, 20, 30])
      expect(await find(fresh('other'), ['soft'])).toEqual([])
    })

    test('are looked for between bounds', async () => {
      const owner = fresh('romeo')
      await spans(owner)
      expect(await find(owner, ['soft'], { afterId: 10n })).toEqual([20])
      expect(await find(owner, ['soft'], { beforeId: 11n })).toEqual([10])
      expect(await find(owner, ['soft'], { beforeId: 12n })).toEqual([10, 20])
      expect(await find(owner, ['soft'], { ids: [15n] })).toEqual([20])
    })

    test('of one place are stored once, and go with the messages', async () => {
      const { words, messages } = use()
      const owner = fresh('romeo')
      const at = Date.UTC(2024, 1, 1)
      expect(await words.add(owner, { after: -1n, upto: firstIdAt(at) }, new Set(['soft']))).toBe(true)
      expect(await words.add(owner, { after: -1n, upto: 5n }, new Set(['soft']))).toBe(false)
      expect(await words.end(owner)).toBe(firstIdAt(at))
      await messages.trim({ owner }, at)
      expect(await words.end(owner)).toBe(firstIdAt(at))
      await messages.trim({ host: owner.slice(owner.indexOf('@') + 1) }, at + 1)
      expect(await words.end(owner)).toBe(-1n)
    })

    test('are forgotten with messages that are trimmed, and those of later messages are still found', async () => {
      const owner = fresh('romeo')
      await spans(owner)
      await use().messages.forget(owner, 15n)
      expect(await find(owner, ['light'])).toEqual([20])
      expect(await find(owner, ['soft'])).toEqual([20])
      // Whether a word was there cannot be told any more.
      expect(await find(owner, ['window', 'never'])).toEqual([20])
      expect(await use().words.end(owner)).toBe(30n)
      await use().messages.forget(owner, 30n)
      expect(await find(owner, [])).toEqual([])
    })

    test('that are not there are rarely taken to be there', async () => {
      const owner = fresh('romeo')
      const present = new Set(Array.from({ length: 1000 }, (_, n) => `word${n}`))
      await use().words.add(owner, { after: -1n, upto: 1n }, present)
      let wrong = 0
      for (let n = 0; n < 500; n++) wrong += (await find(owner, [`other${n}`])).length
      expect(wrong).toBeLessThan(6)
      for (let n = 0; n < 1000; n += 97) expect(await find(owner, [`word${n}`])).toEqual([1])
    })
  })
}
