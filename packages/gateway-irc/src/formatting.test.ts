import { randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { heard, linesOf, spoken } from './formatting.ts'

describe('what a message says', () => {
  test.each([
    ['\x02bold\x02 \x1ditalic\x0f', 'bold italic'],
    ['\x0304,12red\x03 \x03,x', 'red ,x'],
    ['\x031234', '34'],
    ['\x04ff0000,00ff00hex', 'hex'],
    ['a\tb\x07c', 'a\tbc'],
    ['\x01ACTION \x02waves\x01', '/me waves'],
  ])('%j is %j', (text, plain) => {
    expect(heard(text)).toBe(plain)
  })

  test('of one program to another is nothing', () => {
    expect(heard('\x01DCC SEND x\x01')).toBeUndefined()
    expect(heard('\x01ACTIONX\x01')).toBeUndefined()
  })
})

test('what is said has no control characters, and half a sign is none', () => {
  expect(spoken('a\x01b\x00\rc\ud800')).toBe('abc\ufffd')
  expect(spoken('/me waves')).toBe('\x01ACTION waves\x01')
  expect(spoken('/meow')).toBe('/meow')
})

describe('lines', () => {
  test('are cut at spaces, else between graphemes', () => {
    expect(linesOf('aaaa bbbb cccc', 10)).toEqual(['aaaa bbbb', 'cccc'])
    expect(linesOf('👩‍👩‍👧👩‍👩‍👧', 20)).toEqual(['👩‍👩‍👧', '👩‍👩‍👧'])
    expect(linesOf('a\r\n\r\nb\rc\n', 10)).toEqual(['a', 'b', 'c'])
  })

  test('are short enough, and nothing but spaces is lost', () => {
    const signs = ['a', ' ', 'é', 'Ω', '💡', '👩‍👩‍👧', 'e\u0301', '\u200f', 'שלום']
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: randomInt(120) }, () => signs[randomInt(signs.length)]).join('')
      const bytes = 30 + randomInt(100)
      const lines = linesOf(text, bytes)
      for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(bytes)
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
    }
  })

  test('a grapheme that is longer than a line is cut, and ends', () => {
    const lines = linesOf(`a${'\u0301'.repeat(500)}`, 40)
    expect(lines.every(line => Buffer.byteLength(line) <= 40)).toBe(true)
    expect(lines.join('')).toBe(`a${'\u0301'.repeat(500)}`)
  })
})
