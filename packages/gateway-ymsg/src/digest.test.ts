import { expect, test } from '@jest/globals'
import { answerChallenge, md5Crypt } from './digest.ts'

test.each([
  ['wherefore art thou?', '$1$_2S43d5f$ETl0gychsivm4M39jtCG6.'],
  ['a', '$1$_2S43d5f$0f.GkSQV0QQ0PhLZp9TG41'],
  ['a password that is longer than sixteen bytes, twice', '$1$_2S43d5f$hX8hMOwnloO1BkDaIJ0021'],
])('md5-crypt of %s is that of OpenSSL', (password, hash) => {
  expect(md5Crypt(password, '_2S43d5f')).toBe(hash)
})

test('each last letter of a challenge asks for one of five orders', () => {
  const answers = [...'hijklmno'].map(last => answerChallenge('romeo', 'secret', `0123456789abcde${last}`).join())
  expect(new Set(answers).size).toBe(8)
  expect(answers[0]).toMatch(/^[\w.]{22}--,[\w.]{22}--$/)
})

test('a challenge of another kind is refused', () => {
  expect(() => answerChallenge('romeo', 'secret', 'short')).toThrow(expect.objectContaining({ failure: 'protocol' }))
})
