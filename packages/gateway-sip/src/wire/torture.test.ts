import { describe, expect, test } from '@jest/globals'
import { AdapterError } from '@parley/adapter'
import { faultOf } from './faults.ts'
import { parseAddress } from './fields.ts'
import { isRequest, parseDatagram, type Request } from './message.ts'

/** Inputs of our own, after the classes that RFC 4475 names. */
const request = (changes: { first?: string; body?: string; [header: string]: string | undefined } = {}) => {
  const { first = 'MESSAGE sip:juliet@example.org SIP/2.0', body = 'O Romeo', ...headers } = changes
  const all: { [name: string]: string | undefined } = {
    Via: 'SIP/2.0/UDP far.example:5070;branch=z9hG4bKmontague1',
    'Max-Forwards': '70',
    From: '<sip:romeo@far.example>;tag=m1',
    To: '<sip:juliet@example.org>',
    'Call-ID': 'orchard@far.example',
    CSeq: '7 MESSAGE',
    'Content-Type': 'text/plain',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return Buffer.from([first, ...lines, '', body].join('\r\n'))
}

const parsed = (bytes: Buffer) => {
  const message = parseDatagram(bytes)
  if (!isRequest(message)) throw new Error('It is an answer')
  return message
}

describe('RFC 4475 § 3.1.1: odd, and valid', () => {
  const good: [string, Buffer, (message: Request) => unknown, unknown][] = [
    [
      'folded lines, compact names, space wherever it may stand',
      Buffer.from(
        [
          'MESSAGE sip:juliet@example.org;lr SIP/2.0',
          'f   :  "Romeo \\"M.\\"   Montague" \t <sip:romeo@far.example>',
          '  ;',
          '  tag = m1',
          't:',
          '\t<sip:juliet@example.org>',
          'v  : SIP  / 2.0',
          ' /UDP',
          '   far.example:5070;branch=',
          ' z9hG4bKmontague1',
          'i: orchard@far.example',
          'CSEQ:',
          '  0007',
          ' MESSAGE',
          'l: 2',
          '',
          'hi',
        ].join('\r\n'),
      ),
      message => parseAddress(message.headers.get('from')!),
      {
        name: 'Romeo "M."   Montague',
        target: 'sip:romeo@far.example',
        uri: expect.objectContaining({ user: 'romeo', host: 'far.example' }),
        params: new Map([['tag', 'm1']]),
      },
    ],
    [
      'a method nobody knows, of every character that one may have',
      request({ first: "!odd.%*_+`'~ sip:juliet@example.org SIP/2.0", CSeq: "7 !odd.%*_+`'~" }),
      message => message.method,
      "!odd.%*_+`'~",
    ],
    [
      'escapes in the user, and what looks like one and is none of ours to judge',
      request({ From: '<sip:%72omeo%20m@far.example>;tag=m1' }),
      message => parseAddress(message.headers.get('from')!)?.target,
      'sip:%72omeo%20m@far.example',
    ],
    [
      'no space between a name and its address',
      request({ From: 'Romeo<sip:romeo@far.example>;tag=m1' }),
      message => parseAddress(message.headers.get('from')!)?.name,
      'Romeo',
    ],
    [
      'semicolons and questions in a user',
      request({ From: '<sip:romeo;x=1?y@far.example;transport=tcp>;tag=m1' }),
      message => parseAddress(message.headers.get('from')!)?.uri?.user,
      'romeo;x=1?y',
    ],
    [
      'octets behind the end that Content-Length says',
      Buffer.concat([request(), Buffer.from('\r\nMESSAGE sip:other@example.org SIP/2.0\r\n\r\n')]),
      message => message.body.toString(),
      'O Romeo',
    ],
    [
      'many values of Via, some in one line, by odd transports',
      request({ Via: 'SIP/2.0/TLS-SCTP far.example;branch=z9hG4bK1,SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2' }),
      message => message.headers.list('via').length,
      2,
    ],
    [
      'an answer without a reason',
      Buffer.from('SIP/2.0 100 \r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n'),
      () => 'answer',
      'answer',
    ],
    [
      'long values',
      request({
        'X-Long': 'lo'.repeat(3000),
        From: `"${'I am a long name '.repeat(40)}" <sip:romeo@far.example>;tag=m1`,
      }),
      message => message.headers.get('x-long')?.length,
      6000,
    ],
  ]
  test.each(good)('%s', (_title, bytes, look, seen) => {
    const message = parseDatagram(bytes)
    if (isRequest(message)) {
      expect(faultOf(message)).toBeUndefined()
      expect(look(message)).toEqual(seen)
    } else expect(message).toMatchObject({ status: 100, reason: '' })
  })

  test('a reason in another script', () => {
    const text = 'SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n'
    expect(parseDatagram(Buffer.from(text))).toMatchObject({ reason: '= 2**3 * 5**2 но сто девяносто девять' })
  })
})

describe('RFC 4475 § 3.1.2, 3.3: what is refused, and how', () => {
  const bad: [string, Buffer, number][] = [
    ['a body shorter than Content-Length says', request({ 'Content-Length': '9999' }), 400],
    ['a negative Content-Length', request({ 'Content-Length': '-999' }), 400],
    ['numbers that are too large', request({ CSeq: '36893488147419103232 MESSAGE' }), 400],
    ['a CSeq beyond 2³¹', request({ CSeq: '2147483648 MESSAGE' }), 400],
    ['Max-Forwards that is too large', request({ 'Max-Forwards': '300000' }), 400],
    ['a quotation without an end', request({ From: '"Mr Montague <sip:romeo@far.example>;tag=m1' }), 400],
    ['space within an address', request({ To: '"Juliet" < sip:juliet@example.org >' }), 400],
    ['an address with a question and no brackets', request({ From: 'sip:romeo@far.example?Route=%3Csip:x%3E' }), 400],
    ['the method is not the one of CSeq', request({ CSeq: '7 INVITE' }), 400],
    [
      'a method nobody knows is not the one of CSeq',
      request({ first: 'NEW sip:juliet@example.org SIP/2.0', CSeq: '7 OLD' }),
      400,
    ],
    ['a version nobody knows', request({ first: 'MESSAGE sip:juliet@example.org SIP/7.0' }), 505],
    ['no From', request({ From: undefined }), 400],
    ['no Call-ID', request({ 'Call-ID': undefined }), 400],
    ['no Via', request({ Via: undefined }), 400],
    ['no hop left', request({ 'Max-Forwards': '0' }), 483],
    ['two values where there is one (threat 155: From)', request({ f: '<sip:nurse@far.example>;tag=n' }), 400],
    ['two values where there is one (threat 155: To)', request({ t: '<sip:nurse@example.org>' }), 400],
    ['two Call-IDs', request({ i: 'other@far.example' }), 400],
    ['two CSeqs', request({ cseq: '8 MESSAGE' }), 400],
    ['two Content-Lengths', request({ l: '7' }), 400],
    ['Expires that is no number', request({ Expires: 'soon' }), 400],
    ['separators of parameters and nothing between', request({ Via: ';;,;,,' }), 400],
  ]
  test.each(bad)('%s', (_title, bytes, status) => {
    expect(faultOf(parsed(bytes))?.status).toBe(status)
  })

  test.each([
    ['brackets around the address of a request', request({ first: 'MESSAGE <sip:juliet@example.org> SIP/2.0' })],
    ['space within the address of a request', request({ first: 'MESSAGE sip:juliet@example.org; lr SIP/2.0' })],
    ['two spaces in the first line', request({ first: 'MESSAGE  sip:juliet@example.org  SIP/2.0' })],
    ['space at the end of the first line', request({ first: 'MESSAGE sip:juliet@example.org SIP/2.0  ' })],
    ['an answer of a number that there is not', Buffer.from('SIP/2.0 4294967301 better\r\nVia: x\r\n\r\n')],
    ['a line that is no header', request({ 'Not a header': 'x' })],
    ['a carriage return alone', request({ Subject: 'x\rFrom: <sip:nurse@far.example>' })],
    ['NUL', request({ Subject: 'x\0y' })],
    ['nothing', Buffer.alloc(0)],
    [
      'more headers than anybody has',
      request(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`X-${i}`, 'x']))),
    ],
    ['a head without an end', Buffer.from(`MESSAGE sip:a@b SIP/2.0\r\nX: ${'x'.repeat(20_000)}`)],
  ])('is no message: %s', (_title, bytes) => {
    expect(() => parseDatagram(bytes)).toThrow(AdapterError)
  })
})
