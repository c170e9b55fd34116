import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { canonical, fold, matches } from './names.ts'

describe('an address', () => {
  test.each([
    ['Juliet', 'juliet'],
    ['#Verona', '#verona'],
    ['[Nurse]', '[nurse]'],
    ['Jülia', 'jülia'],
    ['ÄRGER', 'Ärger'],
    ['#a:b', '#a:b'],
  ])('%s is %s', (raw, id) => {
    expect(canonical(raw)).toBe(id)
  })

  test.each([
    '',
    '#',
    'a b',
    'a,b',
    'a\r\nb',
    'a\0',
    '*status',
    'a!b@c',
    '@op',
    '~x',
    'a'.repeat(65),
    `#${'a'.repeat(200)}`,
    '\ud800',
  ])('%p is none', raw => {
    expect(canonical(raw)).toBeUndefined()
  })

  test('has one spelling, whatever is asked', () => {
    const signs = 'aZ#&+!@*?[]{}|~\\^ ,:\r\n\x07.é𝒳\ud83d/'
    for (let round = 0; round < 20_000; round++) {
      const raw =
        round % 2
          ? randomBytes(randomInt(20)).toString('latin1')
          : Array.from({ length: randomInt(12) }, () => signs[randomInt(signs.length)]).join('')
      const id = canonical(raw)
      if (id !== undefined) expect(canonical(id)).toBe(id)
    }
  })
})

test('names are the same as the server has it', () => {
  expect(fold('[A]\\~', 'ascii')).toBe('[a]\\~')
  expect(fold('[A]\\~', 'strict-rfc1459')).toBe('{a}|~')
  expect(fold('[A]\\~', 'rfc1459')).toBe('{a}|^')
})

describe('a mask', () => {
  test.each([
    ['*!*@*', 'romeo!r@host', true],
    ['romeo!*@*', 'romeo!r@host', true],
    ['rom?o!*@h*t', 'romeo!r@host', true],
    ['juliet!*@*', 'romeo!r@host', false],
    ['', '', true],
    ['?', '', false],
  ])('%s and %s: %s', (mask, source, found) => {
    expect(matches(mask, source)).toBe(found)
  })

  test('of many stars is looked at in no time', () => {
    const begun = Date.now()
    expect(matches(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false)
    expect(Date.now() - begun).toBeLessThan(1000)
  })
})
