import { describe, expect, test } from '@jest/globals'
import { el, parseElement, serialize, XmlStreamError } from './index.ts'

describe('one whole element', () => {
  test('from text and from bytes', () => {
    const xml = " <message xmlns='jabber:client'><body>\u00e9\u{1f600}</body></message>\n"
    expect(parseElement(xml).textOf('body')).toBe('\u00e9\u{1f600}')
    expect(parseElement(Buffer.from(xml)).textOf('body')).toBe('\u00e9\u{1f600}')
  })

  test('what the serializer wrote is read back', () => {
    const text = '\t\n\r"\'<>&]]>\u00a0\u2028\u{10ffff} '
    const element = el('a', 'urn:a', { 'xml:lang': text }, text, el('b', '', { c: text }), el('d', 'urn:a'))
    const again = parseElement(serialize(element))
    expect(serialize(again)).toBe(serialize(element))
    expect([again.attr('xml:lang'), again.children[0], again.child('b', '')!.attr('c')]).toEqual([text, text, text])
  })

  test.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['text before', 'x<a/>'],
    ['text after', '<a/>x'],
    ['two elements', '<a/><b/>'],
    ['half an element', '<a><b/>'],
    ['half a tag', '<a'],
    ['an end tag', '</a>'],
    ['half a surrogate pair', '<a>\ud800</a>'],
    ['a byte order mark', '\ufeff<a/>'],
  ])('refuses %s', (_, xml) => {
    expect(() => parseElement(xml)).toThrow(XmlStreamError)
    expect(parseElement('<a/>').name).toBe('a')
  })

  test('refuses a cut character', () => {
    expect(() => parseElement(Buffer.from('<a/>\u00e9').subarray(0, 5))).toThrow(XmlStreamError)
  })

  test('limits', () => {
    expect(() => parseElement(`<a>${'\u00e9'.repeat(10)}</a>`, { maxStanzaBytes: 26 })).toThrow('more than 26 bytes')
    expect(parseElement(`<a>${'\u00e9'.repeat(10)}</a>`, { maxStanzaBytes: 27 }).text().length).toBe(10)
    expect(() => parseElement('<a><b/></a>', { maxDepth: 1 })).toThrow(XmlStreamError)
  })
})
