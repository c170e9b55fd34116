import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { canonical, messageId, messageNumber } from './ids.ts'
import { piecesOf, wordsOf } from './text.ts'

describe('a chat', () => {
  test.each(['1', '123456789', '-1001234567890'])('%s is one', id => {
    expect(canonical(id)).toBe(id)
  })

  test.each([
    '',
    '0',
    '-0',
    '01',
    '+1',
    '1.5',
    '1e3',
    ' 1',
    '1\n',
    '9007199254740993',
    '99999999999999999',
    '@juliet',
    '--1',
  ])('%j is none', id => {
    expect(canonical(id)).toBeUndefined()
  })

  test('is asked for with anything, and nothing is thrown', () => {
    for (let round = 0; round < 5000; round++) {
      const id = canonical(randomBytes(randomInt(10)).toString('latin1'))
      if (id !== undefined) expect(canonical(id)).toBe(id)
    }
  })

  test('has messages of its own', () => {
    expect(messageNumber('-5', messageId('-5', 7))).toBe(7)
    for (const id of ['-6/7', '-5/', '-5/0', '-5/x', '7', '-5/7/8', '-5/07'])
      expect(messageNumber('-5', id)).toBeUndefined()
  })
})

describe('pieces', () => {
  test('are short enough, and nothing but spaces is lost', () => {
    const signs = ['a', ' ', '\n', 'é', '💡', '👩‍👩‍👧', 'e\u0301', 'שלום', '\u0301'.repeat(200)]
    for (let round = 0; round < 200; round++) {
      const text = Array.from({ length: randomInt(200) }, () => signs[randomInt(signs.length)]).join('')
      const pieces = piecesOf(text, 150)
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(150)
        expect(piece).not.toMatch(/\p{Cs}/u)
      }
      expect(pieces.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
    }
  })

  test('are cut where a line ends', () => {
    expect(piecesOf('aaaaaa\nbbbbbb', 10)).toEqual(['aaaaaa', 'bbbbbb'])
  })
})

test('links behind words are shown, and what makes no sense is not', () => {
  const link = (offset: unknown, length: unknown, url: unknown = 'https://x.test') => ({
    type: 'text_link',
    offset,
    length,
    url,
  })
  expect(wordsOf('a b c', [link(0, 1), link(4, 1)])).toBe('a (https://x.test) b c (https://x.test)')
  for (const entities of [
    [link(-1, 3)],
    [link(0, 99)],
    [link('0', 1)],
    [link(0, 1, 7)],
    [null],
    'x',
    {},
    undefined,
    [link(2, 0.5)],
  ])
    expect(wordsOf('a b c', entities)).toBe('a b c')
})
