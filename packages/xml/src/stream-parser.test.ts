import { describe, expect, test } from '@jest/globals'
import { type Element, type ParserOptions, StreamParser, XmlStreamError } from './index.ts'

const HEADER =
  "<?xml version='1.0'?><stream:stream to='example.net' version='1.0' xml:lang='de' xmlns='jabber:client' " +
  "xmlns:stream='http://etherx.jabber.org/streams'>"

interface Heard {
  readonly events: string[]
  readonly stanzas: Element[]
  readonly parser: StreamParser
}

function listen(options?: ParserOptions, onStanza: (parser: StreamParser, stanza: Element) => void = () => {}): Heard {
  const events: string[] = []
  const stanzas: Element[] = []
  const parser: StreamParser = new StreamParser(
    {
      opened: (root, contentNs) => events.push(`opened ${root.name} {${root.ns}} ${contentNs}`),
      stanza(stanza) {
        events.push(`stanza ${stanza}`)
        stanzas.push(stanza)
        onStanza(parser, stanza)
      },
      closed: () => events.push('closed'),
    },
    options,
  )
  return { events, stanzas, parser }
}

function inside(xml: string, options?: ParserOptions): Element[] {
  const { parser, stanzas } = listen(options)
  parser.write(Buffer.from(HEADER + xml))
  return stanzas
}

function condition(run: () => void): string {
  try {
    run()
  } catch (error) {
    if (error instanceof XmlStreamError) return error.condition
    throw error
  }
  return 'none'
}

describe('events', () => {
  test('header, stanzas, end', () => {
    const { parser, events } = listen()
    parser.write(Buffer.from(`${HEADER}<message to='a'><body>hi</body></message> \n<presence/></stream:stream>`))
    expect(events).toEqual([
      'opened stream {http://etherx.jabber.org/streams} jabber:client',
      'stanza <message xmlns="jabber:client" to="a"><body>hi</body></message>',
      'stanza <presence xmlns="jabber:client"/>',
      'closed',
    ])
  })

  test('the header keeps its attributes, without declarations', () => {
    let root: Element | undefined
    const parser = new StreamParser({ opened: header => (root = header), stanza() {}, closed() {} })
    parser.write(Buffer.from(HEADER))
    expect({ ...root!.attrs }).toEqual({ to: 'example.net', version: '1.0', 'xml:lang': 'de' })
    expect(root!.children).toEqual([])
  })

  test.each([1, 2, 3, 7])('pieces of %i bytes give the same tree', size => {
    const bytes = Buffer.from(
      `${HEADER}<message a='\u6771&amp;\u{1f600}'>\r\n\u00e9<![CDATA[<]]]]><![CDATA[>]]>\u{1f600}&#x1F600;</message>\r\n<a/></stream:stream>`,
    )
    const whole = listen()
    whole.parser.write(bytes)
    const cut = listen()
    for (let i = 0; i < bytes.length; i += size) cut.parser.write(bytes.subarray(i, i + size))
    expect(cut.events).toEqual(whole.events)
    expect(cut.stanzas[0]!.children).toEqual(['\n\u00e9<]]>\u{1f600}\u{1f600}'])
  })
})

describe('tree', () => {
  test('prefixes of elements are resolved', () => {
    const [stanza] = inside("<x:a xmlns:x='urn:x'><x:b/><c/><d xmlns='urn:d'><e/></d></x:a>")
    expect([stanza!.name, stanza!.ns]).toEqual(['a', 'urn:x'])
    expect(stanza!.elements().map(child => [child.name, child.ns])).toEqual([
      ['b', 'urn:x'],
      ['c', 'jabber:client'],
      ['d', 'urn:d'],
    ])
    expect(stanza!.child('d', 'urn:d')!.firstElement()!.ns).toBe('urn:d')
    expect({ ...stanza!.attrs }).toEqual({})
  })

  test('prefixed attributes keep prefix and declaration', () => {
    const [stanza] = inside("<a xmlns:p='urn:p'><b p:x='1' y='2' xml:lang='en'/></a>")
    expect({ ...stanza!.firstElement()!.attrs }).toEqual({ 'p:x': '1', 'xmlns:p': 'urn:p', y: '2', 'xml:lang': 'en' })
    expect(`${stanza}`).toBe('<a xmlns="jabber:client"><b p:x="1" y="2" xml:lang="en" xmlns:p="urn:p"/></a>')
  })

  test('text and CDATA are one node, and attribute values are normalised', () => {
    const [stanza] = inside("<a b='1\n2\t3&#10;'>x<![CDATA[<y>]]>&lt;<![CDATA[]]>z</a>")
    expect(stanza!.children).toEqual(['x<y><z'])
    expect(stanza!.attr('b')).toBe('1 2 3\n')
  })

  test('text around children stays in place', () => {
    const [stanza] = inside('<a>1<b>2<c/>3</b>4<d/></a>')
    expect(`${stanza}`).toBe('<a xmlns="jabber:client">1<b>2<c/>3</b>4<d/></a>')
  })

  test('names of the object prototype are data', () => {
    const [stanza] = inside("<__proto__ __proto__='1' constructor='2' hasOwnProperty='3'/>")
    expect([stanza!.name, ...Object.entries(stanza!.attrs).flat()]).toEqual([
      '__proto__',
      '__proto__',
      '1',
      'constructor',
      '2',
      'hasOwnProperty',
      '3',
    ])
  })

  test('aliases rename the namespaces of elements', () => {
    const { parser, stanzas, events } = listen({ aliases: { 'jabber:server': 'jabber:client' } })
    parser.write(Buffer.from(HEADER.replace('jabber:client', 'jabber:server')))
    parser.write(Buffer.from("<message><x xmlns='jabber:x:data'/></message>"))
    expect(events[0]).toBe('opened stream {http://etherx.jabber.org/streams} jabber:server')
    expect([stanzas[0]!.ns, stanzas[0]!.firstElement()!.ns]).toEqual(['jabber:client', 'jabber:x:data'])
  })

  test('freeze freezes all of it', () => {
    const [stanza] = inside("<a b='1'><c/></a>", { freeze: true })
    expect(() => Object.assign(stanza!.attrs, { b: '2' })).toThrow(TypeError)
    expect(() => (stanza!.children as unknown[]).push('x')).toThrow(TypeError)
    expect(() => Object.assign(stanza!.firstElement()!, { name: 'x' })).toThrow(TypeError)
  })
})

describe('stop, pause, reset', () => {
  test('stop: the rest of the chunk is not parsed, however wrong', () => {
    const { parser, events } = listen({}, parser => parser.stop())
    parser.write(Buffer.from(`${HEADER}<starttls/><auth>&\u0000<<`))
    parser.write(Buffer.from('<more/>'))
    expect(events.slice(1)).toEqual(['stanza <starttls xmlns="jabber:client"/>'])
  })

  test('reset after stop begins a stream', () => {
    const { parser, events } = listen({}, parser => parser.stop())
    parser.write(Buffer.from(`${HEADER}<starttls/><surplus/>`))
    parser.reset()
    parser.write(Buffer.from(`${HEADER}<a/>`))
    expect(events.map(event => event.split(' ')[0])).toEqual(['opened', 'stanza', 'opened', 'stanza'])
  })

  test('reset from an event: the rest of the chunk is the new stream', () => {
    const { parser, events } = listen({}, (parser, stanza) => {
      if (stanza.name === 'response') parser.reset()
    })
    parser.write(Buffer.from(`${HEADER}<response>\u00e9</response>${HEADER}<iq/></stream:stream>`))
    expect(events.map(event => event.split(' ')[0])).toEqual(['opened', 'stanza', 'opened', 'stanza', 'closed'])
  })

  test('without a reset a second header is an element', () => {
    const { parser, events } = listen()
    parser.write(Buffer.from(`${HEADER}${HEADER.slice(21)}`))
    expect(events.length).toBe(1)
  })

  test('pause holds back, resume goes on', () => {
    const { parser, events } = listen({}, (parser, stanza) => {
      if (stanza.name === 'auth') parser.pause()
    })
    parser.write(Buffer.from(`${HEADER}<auth/><a>\u00e9`))
    parser.write(Buffer.from('</a>'))
    expect(events.length).toBe(2)
    parser.resume()
    expect(events[2]).toBe('stanza <a xmlns="jabber:client">\u00e9</a>')
  })

  test('reset while paused: what was held is the new stream', () => {
    const { parser, events } = listen({}, (parser, stanza) => {
      if (stanza.name === 'auth') parser.pause()
    })
    parser.write(Buffer.from(`${HEADER}<auth/>${HEADER}<iq/>`))
    parser.reset()
    parser.resume()
    expect(events.map(event => event.split(' ')[0])).toEqual(['opened', 'stanza', 'opened', 'stanza'])
  })

  test('what is held is limited', () => {
    const { parser } = listen({ limits: { maxStanzaBytes: 1000 } }, parser => parser.pause())
    parser.write(Buffer.from(`${HEADER}<a/>`))
    expect(condition(() => parser.write(Buffer.alloc(1001, ' ')))).toBe('policy-violation')
  })

  test('an error ends reading', () => {
    const { parser, events } = listen()
    expect(condition(() => parser.write(Buffer.from(`${HEADER}<a></b>`)))).toBe('not-well-formed')
    parser.write(Buffer.from('<c/>'))
    expect(events.length).toBe(1)
  })

  test('an error of a listener ends reading and is passed on', () => {
    const { parser, events } = listen({}, () => {
      throw new TypeError('mine')
    })
    expect(() => parser.write(Buffer.from(`${HEADER}<a/><b/>`))).toThrow(TypeError)
    parser.write(Buffer.from('<c/>'))
    expect(events.length).toBe(2)
  })
})

describe('limits', () => {
  const stanza = (bytes: number) => `<a>${'\u00e9'.repeat((bytes - 7) / 2)}</a>`
  const maxStanzaBytes = 1001

  test('bytes are counted for each stanza, not characters', () => {
    const ok = `${stanza(1001)} \r\n ${stanza(1001)}`
    expect(inside(ok, { limits: { maxStanzaBytes } }).length).toBe(2)
    expect(condition(() => inside(stanza(1003), { limits: { maxStanzaBytes } }))).toBe('policy-violation')
  })

  test('the same holds byte by byte', () => {
    const feed = (xml: string) => {
      const { parser } = listen({ limits: { maxStanzaBytes } })
      for (const byte of Buffer.from(HEADER + xml)) parser.write(Buffer.from([byte]))
    }
    expect(condition(() => feed(`${stanza(1001)} \r\n\r${stanza(1001)}\r`))).toBe('none')
    expect(condition(() => feed(stanza(1003)))).toBe('policy-violation')
  })

  test('the header counts', () => {
    const long = HEADER.replace('example.net', 'x'.repeat(1000))
    expect(condition(() => listen({ limits: { maxStanzaBytes } }).parser.write(Buffer.from(long)))).toBe(
      'policy-violation',
    )
  })

  test.each([
    ['maxDepth', 4, '<a><a><a/></a></a>', '<a><a><a><a/></a></a></a>'],
    ['maxElements', 3, '<a><b/><b/></a><a><b/><b/></a>', '<a><b/><b/><b/></a>'],
    ['maxAttributes', 5, "<a b='' c='' xmlns:d='d' d:e='' f=''/>", "<a b='' c='' xmlns:d='d' d:e='' f='' g=''/>"],
  ])('%s', (name, limit, within, beyond) => {
    expect(condition(() => inside(within, { limits: { [name]: limit } }))).toBe('none')
    expect(condition(() => inside(beyond, { limits: { [name]: limit } }))).toBe('policy-violation')
  })

  test('limits can grow', () => {
    const { parser, stanzas } = listen({ limits: { maxStanzaBytes } }, parser =>
      parser.setLimits({ maxStanzaBytes: 2000 }),
    )
    parser.write(Buffer.from(`${HEADER}<auth/>${stanza(1901)}`))
    expect(stanzas.length).toBe(2)
  })
})
