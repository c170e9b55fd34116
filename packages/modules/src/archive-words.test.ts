import { describe, expect, test } from '@jest/globals'
import { hasPhrases, phrasesOf, tokensOf, wordsOf } from './archive-words.ts'

describe('words', () => {
  test.each<[string, string]>([
    ['But, soft! What light', 'but soft what light'],
    ['ÄRGER ﬁn Ⅳ', 'ärger fin iv'],
    ['Привет, МИР', 'привет мир'],
    ['שָׁלוֹם عليكم', 'שָׁלוֹם عليكم'],
    ['e-mail: a@b.c', 'e mail a b c'],
    ['東京へ2回', '東 京 へ 2 回'],
    ['👋🏽 !?', ''],
  ])('of %s', (text, words) => {
    expect(tokensOf(text).join(' ')).toBe(words)
  })

  test('scripts without spaces are indexed in pairs too', () => {
    expect(wordsOf(tokensOf('東京 tea'))).toEqual(['東', '京', 'tea', '東京'])
  })
})

describe('a query', () => {
  test.each<[string, string, boolean]>([
    ['soft light', 'but soft, what light', true],
    ['SOFT', 'but soft', true],
    ['soft dark', 'but soft, what light', false],
    ['"what light"', 'but soft, what light', true],
    ['"soft light"', 'but soft, what light', false],
    ['"soft soft light"', 'soft soft soft light', true],
    ['light "but soft', 'but soft, what light', true],
    ['e-mail', 'send an e-mail', true],
    ['e-mail', 'mail e', false],
    ['京都', '東京と京都', true],
    ['京都', '都の京', false],
    ['ภาษา', 'ภาษาไทย', true],
  ])('%s in: %s', (query, text, found) => {
    expect(hasPhrases(tokensOf(text), phrasesOf(query))).toBe(found)
  })

  test.each(["' & ! ( :*", '""', '"', '   ', '\u0000', '%_\\'])('%j says nothing', query => {
    expect(phrasesOf(query)).toEqual([])
  })

  test('is read to a number of phrases', () => {
    expect(phrasesOf('a '.repeat(32_768))).toHaveLength(50)
  })
})
