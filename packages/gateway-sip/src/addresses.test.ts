import { expect, test } from '@jest/globals'
import { canonical, Ours } from './addresses.ts'

test.each([
  ['sip:Romeo@Far.Example', 'romeo@far.example'],
  ['romeo@far.example', 'romeo@far.example'],
  ['sips:romeo@far.example:5061;transport=tls', 'romeo@far.example'],
  ['pres:romeo@far.example', 'romeo@far.example'],
  ['sip:r%6fmeo@far.example.', 'romeo@far.example'],
  ["o'brien@far.example", "o'brien@far.example"],
  ['user(contoso.com)@msn.example', 'user(contoso.com)@msn.example'],
  ['romeo@[2001:DB8::1]', 'romeo@[2001:db8::1]'],
  ['sip:romeo:secret@far.example', 'romeo@far.example'],
  ['ЮЛІЯ@far.example', 'юлія@far.example'],
  ['a%b@far.example', 'a%b@far.example'],
  ['far.example', undefined],
  ['sip:far.example', undefined],
  ['tel:+15551234', undefined],
  ['', undefined],
  ['@far.example', undefined],
  ['romeo@', undefined],
  ['romeo@far example', undefined],
  ['ro\r\nmeo@far.example', undefined],
  ['sip:ro%0d%0ameo@far.example', undefined],
  ['sip:%zz@far.example', undefined],
])('canonical(%j) is %j', (text, id) => {
  expect(canonical(text)).toBe(id)
})

test('RFC 7247 § 6: our users there, and back', () => {
  const ours = new Ours('', 'example.org')
  for (const [user, uri, name] of [
    ['juliet@example.org', 'sip:juliet@example.org', 'juliet'],
    ['o\\27brien@example.org', "sip:o'brien@example.org", "o'brien"],
    ['a\\40b@example.org', 'sip:a%40b@example.org', 'a@b'],
    ['юлія@example.org', 'sip:%D1%8E%D0%BB%D1%96%D1%8F@example.org', 'юлія'],
  ] as const) {
    expect(ours.uri(user)).toBe(uri)
    expect(ours.user(name)).toBe(user)
  }
  expect(ours.user('Juliet')).toBe('juliet@example.org')
  expect(ours.user('')).toBeUndefined()
  expect(ours.user('x'.repeat(2000))).toBeUndefined()
  expect(new Ours('voice.example.org', 'example.org').uri('juliet@example.org')).toBe('sip:juliet@voice.example.org')
})
