import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import { el, parseElement, StreamParser, serialize, XmlStreamError } from '@parley/xml'
import { HEADER, readInside, readStream } from './reading.ts'

const MiB = 1_048_576

function milliseconds(run: () => void): number {
  const start = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - start) / 1e6
}

describe('document types', () => {
  const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')
  const bomb = `<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY l0 "lol">${lol}]>`

  test.each([
    ['threat 1: billion laughs', `${bomb}<stream:stream>&l9;`],
    ['threat 2: entities in an attribute', `${bomb}<stream:stream to='&l9;'>`],
    ['threat 4: external entity', "<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><stream:stream to='&x;'>"],
    ['threat 4: external subset', "<!DOCTYPE s SYSTEM 'http://canary.example/'><s/>"],
  ])('%s', (_, xml) => {
    for (const size of [1, 1460]) {
      expect(readStream(xml, {}, size)).toEqual({
        condition: 'restricted-xml',
        stanzas: [],
        opened: false,
        closed: false,
      })
    }
    expect(() => parseElement(xml)).toThrow(/document type/)
  })
})

test('threat 6: an instruction with a broken byte ends the stream, and nothing of the message is reported', () => {
  const xml = Buffer.from('<message><body><aaa/><?\u00eb?><xml></body></message>', 'latin1')
  for (const size of [1, 2, 1460]) {
    const { condition, stanzas } = readInside(xml, {}, size)
    expect(['bad-format', 'restricted-xml']).toContain(condition)
    expect(stanzas).toEqual([])
  }
})

test('threat 8: multibyte text cut at every byte stays the same', () => {
  const text = '\u6771\u4eac\u306e\u5929\u6c17 \u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u00e9\u{10ffff}'
  const bytes = Buffer.from(`${HEADER}<message><body>${text}</body></message>`)
  for (let cut = 1; cut < bytes.length; cut++) {
    const texts: (string | undefined)[] = []
    const parser = new StreamParser({ opened() {}, stanza: one => texts.push(one.textOf('body')), closed() {} })
    parser.write(bytes.subarray(0, cut))
    parser.write(bytes.subarray(cut))
    expect(texts).toEqual([text])
  }
})

describe('namespaces', () => {
  test.each(['jabber:client|x', 'a}b', '{a}b', 'a b', 'jabber:client\u00a0x', 'jabber:client/body'])(
    'threat 9: %j is a namespace of its own',
    ns => {
      const { stanzas } = readInside(`<message xmlns='${ns}'><body>x</body></message>`)
      expect([stanzas[0]!.name, stanzas[0]!.ns]).toEqual(['message', ns])
      expect(stanzas[0]!.is('message', 'jabber:client')).toBe(false)
      expect(parseElement(serialize(stanzas[0]!)).ns).toBe(ns)
    },
  )

  test('threat 9: a line feed becomes a space, as attributes are normalised', () => {
    expect(readInside("<message xmlns='a\nb'/>").stanzas[0]!.ns).toBe('a b')
  })
})

describe('writing', () => {
  const printable = Array.from({ length: 0x5f }, (_, i) => String.fromCharCode(0x20 + i))

  test('threat 11: every pair of printable characters is read back', () => {
    for (const first of printable) {
      const text = printable.map(second => `${first}${second}${first}`).join('\n\t')
      const again = parseElement(serialize(el('a', 'u', { b: text }, text)))
      expect([again.attr('b'), again.text()]).toEqual([text, text])
    }
  })

  test('threat 14: forbidden characters of our own text are left out', () => {
    const text = 'a\u0000\u0001\ud800b\udc00\ufffe\uffff\u001fc\u{1f600}'
    const again = parseElement(serialize(el('a', 'u', { b: text }, text)))
    expect([again.attr('b'), again.text()]).toEqual(['abc\u{1f600}', 'abc\u{1f600}'])
  })
})

describe('encodings', () => {
  const header = HEADER.slice(21)
  test.each([
    ['threat 15: UTF-16 with a byte order mark', Buffer.from(`\ufeff${HEADER}`, 'utf16le'), 'bad-format'],
    ['threat 15: UTF-16 without', Buffer.from(HEADER, 'utf16le'), 'not-well-formed'],
    ['threat 15: UTF-16 declared', `<?xml version='1.0' encoding='UTF-16'?>${header}`, 'unsupported-encoding'],
    ['threat 15: ISO-8859-1 declared', `<?xml version='1.0' encoding='ISO-8859-1'?>${header}`, 'unsupported-encoding'],
    ['threat 15: XML 1.1', `<?xml version='1.1'?>${header}`, 'not-well-formed'],
    ['threat 15: XML 1.0 of another sort', `<?xml version='1.00'?>${header}`, 'not-well-formed'],
    ['threat 15: byte order mark first', `\ufeff${HEADER}`, 'not-well-formed'],
    ['threat 15: byte order mark in mid-stream', `${HEADER}<a/>\ufeff<b/>`, 'not-well-formed'],
    ['threat 15: declaration without version', `<?xml encoding='UTF-8'?>${header}`, 'not-well-formed'],
    ['threat 15: white space before the declaration', ` ${HEADER}`, 'restricted-xml'],
  ])('%s', (_, input, condition) => {
    for (const size of [1, 1460]) expect(readStream(input, {}, size).condition).toBe(condition)
  })

  test('threat 15: UTF-8 in any case is understood', () => {
    expect(readStream(`<?xml version="1.0" encoding="utf-8" standalone='no' ?>${header}`).opened).toBe(true)
  })
})

describe('amounts', () => {
  test('threat 17: 100 000 elements deep', () => {
    const xml = '<a>'.repeat(100_000)
    expect(milliseconds(() => expect(readInside(xml).condition).toBe('policy-violation'))).toBeLessThan(500)
    const deep = `${'<a>'.repeat(127)}${'</a>'.repeat(127)}`
    expect(readInside(deep).stanzas.length).toBe(1)
    expect(readInside(`<a>${deep}</a>`).condition).toBe('policy-violation')
  })

  test.each([
    ['60 000 elements', `<m>${'<a/>'.repeat(60_000)}</m>`],
    ['20 000 attributes', `<m ${Array.from({ length: 20_000 }, (_, i) => `a${i}=''`).join(' ')}/>`],
    ['20 000 declarations', `<m ${Array.from({ length: 20_000 }, (_, i) => `xmlns:a${i}='a'`).join(' ')}/>`],
  ])('threat 18: %s', (_, xml) => {
    expect(milliseconds(() => expect(readInside(xml).condition).toBe('policy-violation'))).toBeLessThan(500)
    expect(() => parseElement(xml)).toThrow(/more than/)
  })

  test('threat 19: a tag that never ends is cut at the limit', () => {
    const parser = new StreamParser({ opened() {}, stanza() {}, closed() {} })
    parser.write(Buffer.from(`${HEADER}<message a='`))
    let written = 0
    const flood = () => {
      for (; written < 10 * MiB; written += 1024) parser.write(Buffer.alloc(1024, 'x'))
    }
    expect(flood).toThrow(XmlStreamError)
    expect(written).toBeLessThanOrEqual(262_144)
    expect(readInside(`<message a='${'x'.repeat(10 * MiB)}`, {}, 10 * MiB).condition).toBe('policy-violation')
    expect(readInside(`<${'x'.repeat(MiB)}`).condition).toBe('policy-violation')
    expect(readInside(`<a>&${'x'.repeat(MiB)}`).condition).toBe('policy-violation')
    expect(readInside(`<a><![CDATA[${']'.repeat(MiB)}`).condition).toBe('policy-violation')
  })

  test('threat 20: a stanza of one byte too many', () => {
    const stanza = (bytes: number) => `<a>${'x'.repeat(bytes - 7)}</a>`
    expect(readInside(stanza(262_144)).stanzas.length).toBe(1)
    expect(readInside(stanza(262_145))).toMatchObject({ condition: 'policy-violation', stanzas: [] })
    expect(readInside(stanza(10_241), { limits: { maxStanzaBytes: 10_240 } }, 65_536).condition).toBe(
      'policy-violation',
    )
  })

  test('threat 23: 10 MB of white space are read without keeping any', () => {
    const parser = new StreamParser({ opened() {}, stanza() {}, closed() {} })
    parser.write(Buffer.from(`${HEADER}<a/> `))
    const spaces = Buffer.alloc(1000, ' \n\t\r')
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 10_486; i++) parser.write(spaces)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5 * MiB)
    expect(readInside(`<a/>${' '.repeat(MiB)}<b/>`, { limits: { maxStanzaBytes: 10_000 } }).stanzas.length).toBe(2)
  })

  test('threat 23: one byte at a time', () => {
    expect(readInside(' '.repeat(100_000), { limits: { maxStanzaBytes: 1000 } }, 1).condition).toBe('none')
  })
})

describe('memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  test.each([
    '<a/>',
    "<a b=''/>",
    "<a b='' c='' d=''/>",
    '<a>b</a>',
    'x<a/>',
    '<a><a/></a>',
    "<a xmlns:b='c' b:d=''/>",
  ])('threat 18: a tree of %s takes at most 20 times the bytes it came in', part => {
    const xml = Buffer.from(`<m>${part.repeat(4900)}</m>`)
    parseElement(xml)
    collect()
    const before = process.memoryUsage().heapUsed
    const trees = Array.from({ length: 20 }, () => parseElement(xml))
    collect()
    const bytes = (process.memoryUsage().heapUsed - before) / trees.length
    expect(bytes / xml.length).toBeLessThan(20)
    expect(bytes / xml.length).toBeGreaterThan(1)
  })
})

test('threat 24: names of the object prototype stay data', () => {
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf']
  const xml = names.map(name => `<${name} ${names.map(other => `${other}='${name}'`).join(' ')}>x</${name}>`).join('')
  const { stanzas } = readInside(`<m>${xml}</m>`)
  expect(stanzas[0]!.elements().map(({ name }) => name)).toEqual(names)
  for (const child of stanzas[0]!.elements()) {
    expect(Object.keys(child.attrs)).toEqual(names)
    expect(names.map(name => child.attr(name))).toEqual(names.map(() => child.name))
  }
  const none = parseElement('<a/>')
  expect(names.map(name => none.attr(name))).toEqual(names.map(() => undefined))
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})

test('threat 27: a second end tag, and what follows the first, are ignored', () => {
  const outcome = readStream(`${HEADER}<a/></stream:stream></stream:stream><b/>&\u0000`)
  expect(outcome).toMatchObject({ condition: 'none', closed: true })
  expect(outcome.stanzas.map(({ name }) => name)).toEqual(['a'])
  expect(readStream(`${HEADER}<a/></stream:stream></stream:stream><b/>&\u0000`, {}, 1)).toEqual(outcome)
})
