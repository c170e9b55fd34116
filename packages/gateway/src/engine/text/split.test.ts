import { randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { bytesOf } from './charset.ts'
import { clean, cleanLine } from './clean.ts'
import { cutText, MAX_PIECES, splitText } from './split.ts'

const utf8 = (maxTextBytes: number, multiline = true) => ({ maxTextBytes, charset: 'utf-8', multiline }) as const

const FAMILY = '👨‍👩‍👧‍👦'
const ALPHABET = [
  ...['a', 'b', ' ', ' ', '\n', 'ü', 'é', '漢', 'שלום', 'مرحبا', '\u202e', FAMILY, '🇩🇪', '👍🏽', 'नि', '각'],
  ...['\u0000', '\r\nQUIT', '\u0007', '\ud800', '\udc00', '\t', '\u2028', '\u0085'],
]
const written = (most: number) =>
  Array.from({ length: randomInt(most) }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const graphemes = (text: string) => [...segmenter.segment(text)].map(({ segment }) => segment)

describe('a text', () => {
  test('that fits is one message, as it is', () => {
    for (const text of ['hello', 'two\nlines', FAMILY, '  indented', 'a\tb'])
      expect(splitText(text, utf8(400))).toEqual([text])
  })

  test('that says nothing is no message', () => {
    expect(splitText('', utf8(400))).toEqual([])
    expect(splitText(' \n ', utf8(400))).toEqual([])
    expect(splitText('\u0000\u0007', utf8(400))).toEqual([])
  })

  test('is cut between lines, else between words, else between graphemes', () => {
    expect(splitText('first line\nand another', utf8(16))).toEqual(['first line', 'and another'])
    expect(splitText('wherefore art thou', utf8(13))).toEqual(['wherefore art', 'thou'])
    expect(splitText('abcdefgh', utf8(3))).toEqual(['abc', 'def', 'gh'])
    expect(splitText(FAMILY.repeat(3), utf8(30))).toEqual([FAMILY, FAMILY, FAMILY])
    expect(splitText('🇩🇪🇫🇷', utf8(12))).toEqual(['🇩🇪', '🇫🇷'])
  })

  test('is a message for each line where the network knows no lines (threat 152)', () => {
    expect(splitText('hello\r\nQUIT :bye\n\nNICK x\rJOIN #y', utf8(400, false))).toEqual([
      'hello',
      'QUIT :bye',
      'NICK x',
      'JOIN #y',
    ])
  })

  test('of 64 KB arrives whole, or not at all', () => {
    const long = 'wherefore art thou '.repeat(3450)
    const pieces = splitText(long, utf8(400))
    expect(pieces?.join(' ')).toBe(long.trimEnd())
    expect(splitText('x'.repeat(MAX_PIECES * 400 + 1), utf8(400))).toBeUndefined()
  })

  test('that is one endless grapheme is cut all the same, in no time', () => {
    const zalgo = `a${'\u0301'.repeat(30_000)}`
    const began = performance.now()
    const pieces = splitText(zalgo, utf8(400))!
    expect(pieces.join('')).toBe(zalgo)
    expect(pieces.every(piece => bytesOf(piece, 'utf-8') <= 400)).toBe(true)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test('is told in the charset of the network', () => {
    expect(splitText('“naïve” – 漢 €', { ...utf8(400), charset: 'latin1' })).toEqual(['"naïve" - ? EUR'])
    expect(splitText('e\u0301', { ...utf8(1), charset: 'latin1' })).toEqual(['é'])
    expect(splitText('👍👍', { ...utf8(4), charset: 'utf-16be' })).toEqual(['👍', '👍'])
  })

  test('of whatever kind: pieces fit, nothing visible is lost, no grapheme is broken', () => {
    for (let round = 0; round < 2000; round++) {
      const text = written(60)
      const most = 30 + randomInt(60)
      const pieces = splitText(text, utf8(most))!
      for (const piece of pieces) {
        expect(bytesOf(piece, 'utf-8')).toBeLessThanOrEqual(most)
        expect(piece).toBe(clean(piece))
      }
      const visible = (from: string) => graphemes(from.replace(/[ \n\t]/g, '\n')).filter(each => each !== '\n')
      expect(pieces.flatMap(visible).join('')).toBe(visible(clean(text)).join(''))
    }
  })
})

describe('control characters', () => {
  test('never pass (threat 152)', () => {
    for (let round = 0; round < 2000; round++) {
      const text = written(40)
      expect(clean(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u)
      expect(clean(clean(text))).toBe(clean(text))
      expect(cleanLine(text)).not.toMatch(/[\u0000-\u001f]/)
    }
  })
})

describe('a status', () => {
  test('that is too long ends with an ellipsis', () => {
    expect(cutText('gone fishing', 20, 'utf-8')).toBe('gone fishing')
    expect(cutText('gone fishing', 10, 'utf-8')).toBe('gone fi…')
    expect(cutText('gone fishing', 10, 'latin1')).toBe('gone fi...')
    expect(cutText('gone\r\nfishing', 20, 'utf-8')).toBe('gone fishing')
    expect(cutText(FAMILY.repeat(2), 30, 'utf-8')).toBe(`${FAMILY}…`)
    expect(cutText('long', 2, 'utf-8')).toBe('')
    expect(cutText('👍👍', 6, 'utf-8')).toBe('…')
  })

  test('of whatever kind fits', () => {
    for (let round = 0; round < 2000; round++) {
      const most = randomInt(100)
      expect(bytesOf(cutText(written(60), most, 'utf-8'), 'utf-8')).toBeLessThanOrEqual(most)
    }
  })
})
