import { expect, test } from '@jest/globals'
import { areAlike, looksOf } from './looks.ts'

const alike = (one: string, other: string) => areAlike(looksOf(one), looksOf(other))

test.each([
  ['Romeo', 'romeo', 'case'],
  ['STRASSE', 'strasse', 'case'],
  ['Roméo', 'Rome\u0301o', 'composition'],
  ['\uff32omeo', 'romeo', 'width (RFC 8266 §2.4)'],
  ['r\u043eme\u043e', 'romeo', 'Cyrillic о'],
  ['R\u041eMEO', 'romeo', 'a capital'],
  ['\u03bf', 'o', 'Greek ο'],
  ['\u043e', '\u03bf', 'Cyrillic о and Greek ο'],
  ['\u0456van', '\u0131van', 'і and ı'],
  ['\u0491', '\u0490', 'case of other alphabets'],
  ['r0meo', 'romeo', 'a digit'],
  ['\u0451lan', '\u00eblan', 'a mark above'],
])('%s and %s are alike: %s', (one, other) => {
  expect(alike(one, other)).toBe(true)
  expect(alike(other, one)).toBe(true)
})

test.each([
  ['romeo', 'juliet'],
  ['Iris', 'lris'],
  ['Nick', 'Vick'],
  // Small letters that look like nothing but themselves.
  ['\u0432\u043e\u0432\u0430', 'boba'],
  ['\u0438\u0432\u0430\u043d', '\u043f\u0435\u0442\u0440'],
  ['no', 'nó'],
])('%s and %s are told apart', (one, other) => {
  expect(alike(one, other)).toBe(false)
})
