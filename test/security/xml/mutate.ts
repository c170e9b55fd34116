export type Random = (below: number) => number

/** mulberry32: a seed gives the same stanzas again. */
export function randomFrom(seed: number): Random {
  let state = seed | 0
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const SEEDS = [
  "<message xmlns='jabber:client' from='romeo@example.net/o' to='juliet@example.com' type='chat' id='1' xml:lang='en'><body>Wherefore &amp; art thou?</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
  "<iq xmlns='jabber:client' type='result' id='r'><query xmlns='jabber:iq:roster' ver='7'><item jid='a@b' name='\u00c9mile &lt;3'><group>\u53cb\u9054</group></item></query></iq>",
  "<presence xmlns='jabber:client'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='u' ver='x='/><x:p xmlns:x='urn:x' x:a='1' a='2'/></presence>",
  "<message xmlns='jabber:client'><result xmlns='urn:xmpp:mam:2'><f:forwarded xmlns:f='urn:xmpp:forward:0'><message xmlns='jabber:client'><body><![CDATA[a < b && c]]></body></message></f:forwarded></result></message>",
  "<a xmlns='' b=\"'\"><b xmlns='urn:b'>\u{1f600}<c xmlns=''/>]] &gt; &#x1F600;&#9;</b>\r\n\t<__proto__ constructor='1'/></a>",
  "<s:s xmlns:s='urn:s' xmlns='urn:d' xmlns:p='urn:p'><p:q p:r='1' s:r='2' r='3'><t/></p:q>t&quot;&apos;</s:s>",
]

const PIECES = [
  ...[
    '<',
    '>',
    '/',
    '&',
    ';',
    '"',
    "'",
    '=',
    ':',
    ' ',
    '\n',
    '\r',
    '\t',
    '!',
    '?',
    '[',
    ']',
    '-',
    '#',
    'x',
    '\u0000',
    '\u0001',
  ],
  ...[
    '</',
    '/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '?>',
    "<?xml version='1.0'?>",
    '<!DOCTYPE a>',
    '&lt;',
    '&#0;',
    '&#10;',
  ],
  ...[
    '&#x1F;',
    '&#xD800;',
    '&#xFFFE;',
    '&#x10FFFF;',
    '&#x110000;',
    '&#13;',
    '&x;',
    "xmlns='u'",
    "xmlns:p='u'",
    "xmlns:p=''",
    'p:',
    'xml:',
  ],
  ...[
    'xmlns:',
    " a='1'",
    " p:a='1'",
    ' xml:lang="x"',
    "<p:a xmlns:p='u'/>",
    '<a/>',
    '</a>',
    '<a>',
    '\u00e9',
    '\u6771',
    '\u{1f600}',
    '\ufeff',
  ],
  ...[
    '\ufffe',
    '\u0085',
    '\u2028',
    '\u00a0',
    '\u007f',
    'a',
    '1',
    '.',
    '\u0300',
    '__proto__',
    'http://www.w3.org/XML/1998/namespace',
  ],
  ...['http://www.w3.org/2000/xmlns/', 'jabber:client'],
].map(piece => Buffer.from(piece))

const BYTES = [0xc0, 0x80, 0xeb, 0xed, 0xa0, 0xf0, 0xf4, 0xf5, 0xff, 0xfe, 0xef, 0xbf, 0xc2, 0xe0]

const PARTS = ['a', 'b', 'p:a', 'q:b', '\u00e9', 'message', '__proto__']
const VALUES = [
  '',
  '1',
  'a b',
  '&amp;',
  '&lt;',
  '&#10;',
  '\t',
  '\u00e9\u{1f600}',
  'urn:p',
  '"'.replace('"', '&quot;'),
  ']]>',
  '>',
]
const TEXTS = [
  '',
  'x',
  ' ',
  '\n',
  '\r\n',
  '&amp;',
  '&#13;',
  '<![CDATA[<&]]>',
  '<![CDATA[]]>',
  ']]&gt;',
  '\u6771',
  '&#x1F600;',
  ']',
  '"',
]

/** A document, mostly with a fault or two: bytes and pieces put in, taken out, moved; or one grown from the grammar. */
export function mutant(random: Random): Buffer {
  let bytes: Buffer = random(3) === 0 ? Buffer.from(grown(random, 0)) : Buffer.from(SEEDS[random(SEEDS.length)]!)
  for (let faults = random(4); faults > 0; faults--) bytes = mutated(bytes, random)
  return bytes
}

function mutated(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1)
  const end = Math.min(bytes.length, at + random(12))
  const put = (piece: Buffer, to = at) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(to)])
  switch (random(6)) {
    case 0:
      return put(Buffer.of(BYTES[random(BYTES.length)]!), at + random(2))
    case 1:
      return put(Buffer.of(random(256)), at + 1)
    case 2:
      return put(Buffer.alloc(0), end)
    case 3:
      return put(bytes.subarray(at, end))
    default:
      return put(PIECES[random(PIECES.length)]!, random(2) ? at : end)
  }
}

/** Grown text is well-formed but for what namespaces forbid. */
function grown(random: Random, depth: number): string {
  const pick = (list: readonly string[]) => list[random(list.length)]!
  const name = pick(PARTS)
  let xml = `<${name}`
  if (depth === 0 || random(4) === 0) xml += " xmlns:p='urn:p' xmlns:q='urn:q'"
  if (random(3) === 0) xml += ` xmlns='${random(2) ? 'urn:d' : ''}'`
  for (const attribute of PARTS) if (random(5) === 0) xml += ` ${attribute}='${pick(VALUES)}'`
  if (depth > 4 || random(4) === 0) return `${xml}/>`
  xml += '>'
  for (let children = random(4); children > 0; children--)
    xml += pick(TEXTS) + (random(2) ? grown(random, depth + 1) : '')
  return `${xml}${pick(TEXTS)}</${name}>`
}
