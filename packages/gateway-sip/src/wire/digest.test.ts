import { expect, test } from '@jest/globals'
import { answerChallenge, Challenger, digest } from './digest.ts'

const mufasa = { username: 'Mufasa', realm: 'testrealm@host.com', password: 'Circle Of Life' }
const nonce = 'dcd98b7102dd2f0e8b11d0f600bfb0c093'

test('RFC 2617 § 3.5: the example', () => {
  const parts = {
    ...mufasa,
    nonce,
    qop: 'auth',
    nc: '00000001',
    cnonce: '0a4f113b',
    method: 'GET',
    target: '/dir/index.html',
  }
  expect(digest('md5', parts)).toBe('6629fae49393a05397450978507c4ef1')
})

test('RFC 7616 § 3.9.1: the example, with SHA-256', () => {
  const parts = {
    ...{ username: 'Mufasa', realm: 'http-auth@example.org', password: 'Circle of Life', qop: 'auth', nc: '00000001' },
    ...{
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    },
    ...{ method: 'GET', target: '/dir/index.html' },
  }
  expect(digest('sha-256', parts)).toBe('753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1')
})

const request = { method: 'MESSAGE', target: 'sip:juliet@example.org' }

test('the best challenge that is understood is answered', () => {
  const who = { username: 'a"b', password: 'c' }
  const answer = answerChallenge(
    [
      'Basic realm="x"',
      'Digest realm="x", nonce="1", algorithm=MD5',
      'Digest realm="x, \\"y\\"", nonce="2", algorithm=SHA-256, qop="auth-int,auth", opaque="o"',
    ],
    request,
    who,
    'abc',
  )
  expect(answer).toMatch(
    /^Digest username="a\\"b", realm="x, \\"y\\"", nonce="2", .*algorithm=SHA-256, opaque="o", qop=auth, nc=00000001, cnonce="abc"$/,
  )
  expect(
    answerChallenge(
      ['Digest realm="x", nonce="1", qop="auth-int"', 'Digest realm="x"', 'Digest nonce="1", algorithm=AKAv1-MD5'],
      request,
      who,
    ),
  ).toBeUndefined()
})

test('a challenge of ours: right once, stale later, wrong in any part', () => {
  let now = 1_000_000
  const who = { username: 'capulet', password: 'rose' }
  const challenger = new Challenger('example.org', who, () => now)
  const answer = (over: object = {}) => answerChallenge(challenger.challenges(false), request, { ...who, ...over })!
  expect(challenger.check(answer(), request)).toBe('right')
  const one = answer()
  expect(challenger.check(one, request)).toBe('right')
  expect(challenger.check(one, request)).toBe('stale')
  expect(challenger.check(answer({ password: 'daisy' }), request)).toBe('wrong')
  expect(challenger.check(answer({ username: 'montague' }), request)).toBe('wrong')
  expect(challenger.check(answer(), { ...request, target: 'sip:nurse@example.org' })).toBe('wrong')
  expect(challenger.check(answer().replace(/nonce="./, 'nonce="9'), request)).toBe('wrong')
  expect(new Challenger('example.org', who, () => now).check(answer(), request)).toBe('wrong')
  const late = answer()
  now += 301_000
  expect(challenger.check(late, request)).toBe('stale')
  for (const nonsense of ['', 'Digest', 'Basic x', 'Digest nonce="..", qop=auth, nc=1'])
    expect(challenger.check(nonsense, request)).toBe('wrong')
})
