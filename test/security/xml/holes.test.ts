import { describe, expect, test } from '@jest/globals'
import { parseElement, XmlStreamError } from '@parley/xml'
import { readInside } from './reading.ts'

const WELL = 'not-well-formed'
const RESTRICTED = 'restricted-xml'
const NOT_UTF8 = 'bad-format'

/** What other parsers have let through. Each ends the stream, whole or byte by byte, before a stanza is reported. */
const MUST_REJECT: readonly (readonly [condition: string, title: string, xml: string | Buffer])[] = [
  [WELL, 'threat 16: wrong end tag', '<message><body>x</dupa></message>'],
  [WELL, 'threat 16: end tags crossed', '<a><b></a></b>'],
  [WELL, 'threat 16: end tag in other case', '<a></A>'],
  [WELL, 'threat 16: end tag with another prefix', "<p:a xmlns:p='u' xmlns:q='u'></q:a>"],
  [WELL, 'threat 16: attribute in an end tag', "<a></a b='c'>"],
  [WELL, 'threat 16: empty end tag', '<a></>'],
  [WELL, 'threat 16: duplicate attribute', "<a b='1' b='2'/>"],
  [WELL, 'threat 16: duplicate attribute by namespace', "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>"],
  [WELL, 'threat 16: duplicate default namespace', "<a xmlns='u' xmlns='u'/>"],
  [WELL, 'threat 16: duplicate declaration', "<a xmlns:p='u' xmlns:p='v'/>"],
  [WELL, 'threat 16: unbound prefix of an element', '<p:a/>'],
  [WELL, 'threat 16: unbound prefix of an attribute', "<a p:b='1'/>"],
  [WELL, 'threat 16: prefix out of scope', "<a><b xmlns:p='u'/><p:c/></a>"],
  [WELL, 'threat 16: prefix undeclared', "<a xmlns:p=''/>"],
  [WELL, 'threat 16: xml bound to another name', "<a xmlns:xml='u'/>"],
  [WELL, 'threat 16: xmlns bound', "<a xmlns:xmlns='u'/>"],
  [WELL, 'threat 16: another prefix for xml', "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"],
  [WELL, 'threat 16: xml as the default namespace', "<a xmlns='http://www.w3.org/XML/1998/namespace'/>"],
  [WELL, 'threat 16: a prefix for xmlns', "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>"],
  [WELL, 'threat 16: xmlns as the default namespace', "<a xmlns='http://www.w3.org/2000/xmlns/'/>"],
  [WELL, 'threat 16: an element of the prefix xmlns', '<xmlns:a/>'],
  [WELL, 'threat 16: an element of the prefix xml', '<xml:a/>'],
  [WELL, 'threat 16: a name that XML 1.0 allows since its 5th edition only', '<a\u{10000}/>'],
  [WELL, 'threat 16: tag in a tag', '<a<b>'],
  [WELL, 'threat 16: empty tag', '<>'],
  [WELL, 'threat 16: space before the name', '< a/>'],
  [WELL, 'threat 16: name begins with a digit', '<1a/>'],
  [WELL, 'threat 16: local name begins with a digit', "<p:1a xmlns:p='u'/>"],
  [WELL, 'threat 16: two colons', "<p:a:b xmlns:p='u'/>"],
  [WELL, 'threat 16: colon first', '<:a/>'],
  [WELL, 'threat 16: colon last', "<p: xmlns:p='u'/>"],
  [WELL, 'threat 16: attribute without quotes', '<a b=c/>'],
  [WELL, 'threat 16: attribute without value', '<a b/>'],
  [WELL, 'threat 16: attributes without space', "<a b='1'c='2'/>"],
  [WELL, 'threat 16: less-than in an attribute', "<a b='<'/>"],
  [WELL, 'threat 16: bare ampersand', '<a>x & y</a>'],
  [WELL, 'threat 16: bare ampersand in an attribute', "<a b='&'/>"],
  [WELL, 'threat 16: reference without end', '<a>&amp</a>'],
  [WELL, 'threat 16: end of CDATA in text', '<a>]]></a>'],
  [WELL, 'threat 16: slash not at the end', '<a / >'],
  [WELL, 'threat 16: white space at a namespace name', "<a xmlns=' jabber:client'/>"],
  [WELL, 'threat 16: ampersand in a namespace name', "<a xmlns='u&amp;v'/>"],
  [WELL, 'threat 16: text between stanzas', '<a/>x<b/>'],
  [WELL, 'threat 16: CDATA between stanzas', '<![CDATA[x]]>'],
  [WELL, 'threat 16: reference between stanzas', '&#120;<a/>'],
  [WELL, 'threat 16: unknown declaration', '<!ELEMENT a ANY>'],
  [WELL, 'threat 13: NUL', '<a>&#0;</a>'],
  [WELL, 'threat 13: control character', '<a>&#x1F;</a>'],
  [WELL, 'threat 13: with leading zeros', '<a>&#x000000000000001F;</a>'],
  [WELL, 'threat 13: surrogate', '<a>&#xD800;</a>'],
  [WELL, 'threat 13: surrogate pair', '<a>&#xD83D;&#xDE00;</a>'],
  [WELL, 'threat 13: noncharacter', '<a>&#xFFFE;</a>'],
  [WELL, 'threat 13: beyond Unicode', '<a>&#x110000;</a>'],
  [WELL, 'threat 13: beyond any number', `<a>&#${'9'.repeat(400)};</a>`],
  [WELL, 'threat 13: capital X', '<a>&#X41;</a>'],
  [WELL, 'threat 13: no digits', '<a>&#;</a>'],
  [WELL, 'threat 13: sign', '<a>&#-1;</a>'],
  [WELL, 'threat 13: in an attribute', "<a b='&#0;'/>"],
  [WELL, 'threat 13: NUL itself', '<a>\u0000</a>'],
  [WELL, 'threat 13: control character in an attribute', "<a b='\u0001'/>"],
  [WELL, 'threat 13: U+FFFF itself', '<a>\uffff</a>'],
  [RESTRICTED, 'threat 5: comment', '<a><!-- x --></a>'],
  [RESTRICTED, 'threat 5: comment that never ends', '<a><!-- x'],
  [RESTRICTED, 'threat 5: comment between stanzas', '<!---->'],
  [RESTRICTED, 'threat 5: processing instruction', '<a><?x y?></a>'],
  [RESTRICTED, 'threat 5: processing instruction between stanzas', '<?x?>'],
  [RESTRICTED, 'threat 5: document type', '<!DOCTYPE a><a/>'],
  [RESTRICTED, 'threat 5: document type in a stanza', '<a><!DOCTYPE a [</a>'],
  [RESTRICTED, 'threat 5: second XML declaration', "<?xml version='1.0'?><a/>"],
  [RESTRICTED, 'threat 5: XML declaration in a stanza', "<a><?xml version='1.0'?></a>"],
  [RESTRICTED, 'threat 5: entity', '<a>&lol;</a>'],
  [RESTRICTED, 'threat 5: entity in an attribute', "<a b='&lol;'/>"],
  [RESTRICTED, 'threat 24: entity of the object prototype', '<a>&constructor;</a>'],
  [NOT_UTF8, 'threat 6: broken byte in a tag', Buffer.from('<a><aaa\u00eb/><?\u00eb?><xml></a>', 'latin1')],
  [NOT_UTF8, 'threat 7: broken byte in text', Buffer.from('<a>\u00eb<></a>', 'latin1')],
  [NOT_UTF8, 'threat 7: broken byte in a name', Buffer.from('<a\u00eb<>x</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: broken byte in an attribute', Buffer.from("<a b='\u00eb<>'/>", 'latin1')],
  [NOT_UTF8, 'threat 7: overlong', Buffer.from('<a>\u00c0\u00bc</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: overlong in three bytes', Buffer.from('<a>\u00e0\u0080\u00bc</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: surrogate', Buffer.from('<a>\u00ed\u00a0\u0080</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: beyond Unicode', Buffer.from('<a>\u00f5\u0080\u0080\u0080</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: lone continuation', Buffer.from('<a>\u0080</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: character cut by a tag', Buffer.from('<a>\u00e6\u009d</a>', 'latin1')],
  [NOT_UTF8, 'threat 7: FF', Buffer.from('<a>\u00ff</a>', 'latin1')],
]

/** What others have refused or changed, and must be read; the text is that of the element's `b`, or its own. */
const MUST_ACCEPT: readonly (readonly [title: string, xml: string, text: string])[] = [
  ['threat 5: CDATA is text', '<a><![CDATA[<b>&amp;]]></a>', '<b>&amp;'],
  ['threat 5: several CDATA sections', '<a>x<![CDATA[]]]]><![CDATA[>]]>y</a>', 'x]]>y'],
  ['threat 13: tab and line feed', '<a>&#9;&#10;&#xD;</a>', '\t\n\r'],
  ['threat 13: borders', '<a>&#xD7FF;&#xE000;&#xFFFD;&#x10FFFF;</a>', '\ud7ff\ue000\ufffd\u{10ffff}'],
  ['threat 13: leading zeros', '<a>&#0000000000065;&#x00000041;</a>', 'AA'],
  ['threat 16: predefined entities', '<a>&lt;&gt;&amp;&quot;&apos;</a>', '<>&"\''],
  ['threat 16: line ends are one', '<a>1\r\n2\r3\n4</a>', '1\n2\n3\n4'],
  ['threat 16: greater-than and quotes', '<a>> " \' ]] ]&gt;</a>', '> " \' ]] ]>'],
  ['threat 16: white space of an attribute', "<a b='1\r\n2\t3\r4'/>", '1 2 3 4'],
  ['threat 16: references in an attribute', "<a b='&#10;&lt;&#x20;&quot;'/>", '\n< "'],
  ['threat 16: the other quote', '<a b="\'"/>', "'"],
  ['threat 16: white space in tags', "<a\n\tb = '1'\r\n></a\n>", '1'],
  ['threat 16: names of other scripts', "<\u6771 b='1'></\u6771>", '1'],
  ['threat 16: names with dots, digits and hyphens', "<a.1-2_3 b='1'/>", '1'],
  ['threat 16: xml declared as itself', "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' b='1'/>", '1'],
  ['threat 16: no namespace', "<a xmlns='' b='1'/>", '1'],
  ['threat 16: same local name, other namespace', "<a xmlns:p='u' p:b='2' b='1'/>", '1'],
  ['threat 7: noncharacters beyond the first plane', '<a>\u{1fffe}\u{10ffff}</a>', '\u{1fffe}\u{10ffff}'],
  ['threat 15: U+FEFF in a text is a character', '<a>\ufeff</a>', '\ufeff'],
  ['threat 24: prototype names', "<__proto__ b='1' __proto__='2' constructor='3'/>", '1'],
]

test('the list is long enough to say something', () => {
  expect(MUST_REJECT.length).toBeGreaterThanOrEqual(46)
  expect(MUST_ACCEPT.length).toBeGreaterThanOrEqual(12)
})

describe('must be refused', () => {
  test.each(MUST_REJECT.map(([condition, title, xml]) => [title, condition, xml] as const))(
    '%s',
    (title, condition, xml) => {
      for (const size of [1, 2, 1460]) {
        const outcome = readInside(xml, {}, size)
        expect([outcome.condition, outcome.stanzas.filter(({ name }) => name !== 'a')]).toEqual([condition, []])
      }
      // Text stands between elements in a document, and `</s>` is not there to hide an unfinished construct.
      if (title.endsWith('between stanzas')) return
      expect(() => parseElement(typeof xml === 'string' ? `<s>${xml}</s>` : xml)).toThrow(XmlStreamError)
    },
  )
})

describe('must be accepted', () => {
  test.each(MUST_ACCEPT)('%s', (_, xml, text) => {
    for (const size of [1, 2, 1460]) {
      const { condition, stanzas } = readInside(xml, {}, size)
      expect(condition).toBe('none')
      expect(stanzas.map(stanza => stanza.attr('b') ?? stanza.text())).toEqual([text])
    }
    expect(parseElement(xml).attr('b') ?? parseElement(xml).text()).toBe(text)
  })
})
