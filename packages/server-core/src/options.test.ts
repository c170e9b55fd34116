import { describe, expect, test } from '@jest/globals'
import { choice, flag, integer, type Option, parsePeriod, period, text, texts } from './options.ts'

const cases: readonly (readonly [
  string,
  Option<unknown>,
  good: readonly (readonly [unknown, unknown])[],
  bad: readonly unknown[],
])[] = [
  [
    'flag',
    flag(false, ''),
    [
      [true, true],
      ['true', true],
      ['on', true],
      ['off', false],
      ['false', false],
    ],
    ['yes', 1, null, undefined, ''],
  ],
  [
    'integer',
    integer(5, -1, 10, ''),
    [
      [0, 0],
      ['10', 10],
      ['-1', -1],
    ],
    [11, -2, 1.5, '1.5', '0x1', '', 'x', null, Number.NaN, '99999999999999999999'],
  ],
  ['text', text('', ''), [['a', 'a']], [1, null, ['a']]],
  [
    'texts',
    texts([], ''),
    [
      [['a'], ['a']],
      ['a, b', ['a', 'b']],
      ['', []],
    ],
    [1, [1], { a: 1 }],
  ],
  ['choice', choice('a', ['a', 'b'], ''), [['b', 'b']], ['c', '', 1, 'A']],
  [
    'period',
    period('1m', ''),
    [
      ['90s', 90_000],
      ['2h', 7_200_000],
      ['365d', 31_536_000_000],
      ['5ms', 5],
      ['0s', 0],
    ],
    [90, '90', 's', '1.5h', '-1s', '1w', '9999999999s', null],
  ],
]

describe.each(cases)('%s', (_, option, good, bad) => {
  test.each(good)('%j is %j', (given, expected) => {
    expect(option.read(given)).toEqual(expected)
  })
  test.each(bad.map(value => [value]))('%p is refused with what is allowed', value => {
    expect(() => option.read(value)).toThrow(`must be ${option.allowed}`)
  })
})

test('a period as a default is read too', () => {
  expect(period('30d', '').fallback).toBe(2_592_000_000)
  expect(parsePeriod(' 1s ')).toBe(1000)
})
