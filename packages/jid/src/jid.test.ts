import { describe, expect, test } from '@jest/globals'
import { Jid, JidError } from './index.ts'

describe('parsing', () => {
  test.each([
    ['juliet@example.com', 'juliet', 'example.com', ''],
    ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', ''],
    ['fussball@example.com', 'fussball', 'example.com', ''],
    ['fu\u00dfball@example.com', 'fu\u00dfball', 'example.com', ''],
    ['\u03c0@example.com', '\u03c0', 'example.com', ''],
    ['\u03c3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c2@example.com/foo', '\u03c2', 'example.com', 'foo'],
    ['king@example.com/\u265a', 'king', 'example.com', '\u265a'],
    ['example.com', '', 'example.com', ''],
    ['example.com/foobar', '', 'example.com', 'foobar'],
    ['a.example.com/b@example.net', '', 'a.example.com', 'b@example.net'],
    ['romeo@example.net/a/b', 'romeo', 'example.net', 'a/b'],
  ])('RFC 7622 §3.5: %j', (text, local, domain, resource) => {
    const jid = Jid.parse(text)
    expect([jid.local, jid.domain, jid.resource, jid.text, `${jid}`]).toEqual([local, domain, resource, text, text])
  })

  test.each([
    ['', /^address is empty/],
    ['"juliet"@example.com', /^local part/],
    ['foo bar@example.com', /^local part must not have U\+0020/],
    ['juliet@example.com/', /^resource is empty/],
    ['@example.com/', /^resource is empty/],
    ['@example.com', /^local part is empty/],
    ['henry\u2163@example.com', /^local part must not have U\+2163/],
    ['\u265a@example.com', /^local part must not have U\+265A/],
    ['juliet@', /^domain is empty/],
    ['/foobar', /^domain is empty/],
    ['a@b@c', /^domain/],
    ['juliet@exa mple.com', /^domain/],
    ['juliet@example.com/\u0007', /^resource must not have U\+0007/],
    [`${'a'.repeat(1024)}@b`, /^local part is longer than 1023 bytes/],
    [`a@b/${'r'.repeat(1024)}`, /^resource is longer than 1023 bytes/],
    [`a@b/${'\u00e9'.repeat(512)}`, /^resource is longer than 1023 bytes/],
    [`a@${'b.'.repeat(520)}c`, /^domain is longer/],
    ['a'.repeat(4000), /^address is too long/],
  ])('refuses malformed address %#', (text, message) => {
    expect(() => Jid.parse(text)).toThrow(JidError)
    expect(() => Jid.parse(text)).toThrow(message)
  })

  test('parts of exactly 1023 bytes are accepted', () => {
    const jid = Jid.parse(`${'a'.repeat(1023)}@example.com/${'r'.repeat(1023)}`)
    expect([jid.local.length, jid.resource.length]).toEqual([1023, 1023])
  })

  test('the same text gives the same object while it is remembered', () => {
    expect(Jid.parse('cached@example.com/x')).toBe(Jid.parse('cached@example.com/x'))
  })

  test('different spellings are equal', () => {
    expect(Jid.parse('ROMEO@Example.NET./Orchard').equals(Jid.parse('romeo@example.net/Orchard'))).toBe(true)
    expect(Jid.parse('romeo@example.net/orchard').equals(Jid.parse('romeo@example.net/Orchard'))).toBe(false)
  })
})

describe('parts', () => {
  const full = Jid.parse('romeo@example.net/orchard')

  test('of prepares every part', () => {
    expect(Jid.of('Romeo', 'EXAMPLE.net', 'Orchard').text).toBe('romeo@example.net/Orchard')
    expect(Jid.of('', 'example.net').text).toBe('example.net')
    expect(() => Jid.of('ro meo', 'example.net')).toThrow(JidError)
    expect(() => Jid.of('romeo', '')).toThrow(/^domain is empty/)
  })

  test('bare is kept, and a bare address is its own', () => {
    expect(full.bare.text).toBe('romeo@example.net')
    expect(full.bare).toBe(full.bare)
    expect(full.bare.bare).toBe(full.bare)
    expect([full.isBare, full.bare.isBare]).toEqual([false, true])
  })

  test('withResource', () => {
    expect(full.withResource('balcony').text).toBe('romeo@example.net/balcony')
    expect(full.withResource('')).toBe(full.bare)
    expect(full.bare.withResource('orchard').equals(full)).toBe(true)
    expect(() => full.withResource('\u0000')).toThrow(JidError)
  })

  test.each([
    ['romeo@example.net/orchard', 'romeo@example.net/orchard romeo@example.net example.net/orchard example.net'],
    ['romeo@example.net', 'romeo@example.net example.net'],
    ['example.net/orchard', 'example.net/orchard example.net'],
    ['example.net', 'example.net'],
  ])('XEP-0191 §3: %s widens', (text, wider) => {
    expect(Jid.parse(text).widening().join(' ')).toBe(wider)
  })

  test('prints as text in JSON', () => {
    expect(JSON.stringify({ jid: full })).toBe('{"jid":"romeo@example.net/orchard"}')
  })
})

test('threat 24: names of the object prototype are data', () => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    const jid = Jid.parse(`${name.toLowerCase()}@example.net/${name}`)
    expect([jid.local, jid.resource]).toEqual([name.toLowerCase(), name])
    expect(Jid.parse(jid.text)).toBe(jid)
  }
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})
