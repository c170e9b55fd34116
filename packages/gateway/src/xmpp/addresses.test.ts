import { describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Addresses } from './addresses.ts'
import { escapeLocal, unescapeLocal } from './escaping.ts'

const any = new Addresses('net.a.test', id => (id === '' ? undefined : id))

describe('XEP-0106', () => {
  // The table of examples of the document (§5.1).
  test.each([
    ['space cadet', 'space\\20cadet'],
    ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
    ['at&t guy', 'at\\26t\\20guy'],
    ["d'artagnan", 'd\\27artagnan'],
    ['/.fanboy', '\\2f.fanboy'],
    ['::foo::', '\\3a\\3afoo\\3a\\3a'],
    ['<foo>', '\\3cfoo\\3e'],
    ['user@host', 'user\\40host'],
    ['c:\\net', 'c\\3a\\net'],
    ['c:\\\\net', 'c\\3a\\\\net'],
    ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
    ['c:\\5commas', 'c\\3a\\5c5commas'],
    ['\\3and\\2is\\5cool', '\\5c3and\\2is\\5c5cool'],
    ['\\2plus\\2is\\4', '\\2plus\\2is\\4'],
    ['foob\\41r', 'foob\\41r'],
  ])('%s is %s', (text, local) => {
    expect(escapeLocal(text)).toBe(local)
    expect(unescapeLocal(local)).toBe(text)
  })

  test('what comes out is not read again', () => {
    expect(unescapeLocal('\\5c40')).toBe('\\40')
    expect(unescapeLocal('\\5c5c40')).toBe('\\5c40')
  })
})

describe('an id that no address keeps as it is', () => {
  test.each(['Big', ' space', 'space ', '=41', 'a\u0301', '🐱', 'ﬀ', '\ta'])('%j is written in digits', id => {
    const jid = any.of(id)!
    expect(jid.local).toMatch(/^=[0-9a-f]+$/)
    expect(any.idOf(jid)).toBe(id)
  })

  test('digits stand for nothing that has an address without them', () => {
    const digits = (text: string) => Jid.of(`=${Buffer.from(text).toString('hex')}`, 'net.a.test')
    expect(any.idOf(digits('juliet'))).toBeUndefined()
    expect(any.idOf(digits('Juliet'))).toBe('Juliet')
    expect(any.idOf(Jid.of('=zz', 'net.a.test'))).toBeUndefined()
    expect(any.idOf(Jid.of('=c3', 'net.a.test'))).toBeUndefined()
  })

  test('one that is too long has no address', () => {
    expect(any.of('a'.repeat(2000))).toBeUndefined()
    expect(any.of('A'.repeat(600))).toBeUndefined()
  })
})
