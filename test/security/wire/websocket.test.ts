import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { client } from '@xmpp/client'
import { WebSocket } from 'ws'
import { dial, dropAll, header, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from './front.ts'

const OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="a.test" version="1.0"/>'
const TEXT = 1
const CONTINUATION = 0

let front: Front
beforeAll(async () => {
  front = await Front.open({
    domains: ['a.test'],
    listen: { client: '127.0.0.1:0', component: '127.0.0.1:0', http: '127.0.0.1:0' },
    components: { 'gw.a.test': { secret: 'long enough' } },
  })
  await front.server.router.hosts.get('a.test')!.accounts.create(Jid.parse('juliet@a.test'), 'secret')
})
afterEach(async () => {
  await dropAll()
  await front.until(() => front.server.streams.size === 0)
})
afterAll(() => front.close())

async function upgrade(headers: string, path = '/ws'): Promise<Peer> {
  const peer = await dial(front.port('http'))
  const key = randomBytes(16).toString('base64')
  await peer.write(
    `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${headers}\r\n`,
  )
  await peer.until('\r\n\r\n')
  return peer
}

const connected = () => upgrade('Sec-WebSocket-Protocol: xmpp\r\n')

/** A frame as a client sends it (RFC 6455 §5.2). */
function frame(opcode: number, payload: string | Buffer, { fin = true, masked = true, length = -1 } = {}): Buffer {
  const data = Buffer.from(payload)
  const said = length < 0 ? data.length : length
  const head = [(fin ? 0x80 : 0) | opcode]
  const bit = masked ? 0x80 : 0
  if (said < 126) head.push(bit | said)
  else if (said < 65_536) head.push(bit | 126, said >> 8, said & 0xff)
  else head.push(bit | 127, 0, 0, 0, 0, (said >>> 24) & 0xff, (said >>> 16) & 0xff, (said >>> 8) & 0xff, said & 0xff)
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0)
  if (masked) for (let i = 0; i < data.length; i++) data[i] = data[i]! ^ mask[i & 3]!
  return Buffer.concat([Buffer.from(head), mask, data])
}

/** The code of the close frame that the server sends. */
async function closeCode(peer: Peer): Promise<number> {
  const at = () => peer.received.search(/\x88[\x02-\x7d][\x03-\x04]/)
  await front.until(() => at() >= 0 || peer.isClosed)
  const bytes = Buffer.from(peer.received.slice(at()), 'latin1')
  return bytes.readUInt16BE(2)
}

test('a client of another make logs in over WebSocket', async () => {
  // Node 20 has no WebSocket of its own.
  Object.assign(globalThis, { WebSocket })
  const xmpp = client({
    service: `ws://127.0.0.1:${front.port('http')}/ws`,
    domain: 'a.test',
    username: 'juliet',
    password: 'secret',
  })
  xmpp.on('error', () => {})
  const jid = await xmpp.start()
  expect(jid.bare().toString()).toBe('juliet@a.test')
  await xmpp.stop()
})

describe('threat 125: other sites', () => {
  test('may connect: nothing that a browser adds counts, and every stream logs in', async () => {
    const peer = await upgrade('Sec-WebSocket-Protocol: xmpp\r\nOrigin: https://evil.test\r\nCookie: a=b\r\n')
    expect(peer.received).toMatch(/^HTTP\/1.1 101 [\s\S]*Sec-WebSocket-Protocol: xmpp\r\n/)
    await peer.write(frame(TEXT, OPEN))
    await peer.until('</stream:features>')
    await peer.write(frame(TEXT, '<message xmlns="jabber:client" to="juliet@a.test"/>'))
    await peer.until('<not-authorized')
  })

  test.each(['', 'Sec-WebSocket-Protocol: chat, soap\r\n', 'Sec-WebSocket-Protocol: xmppx\r\n'])(
    'without the subprotocol: %j',
    async headers => {
      expect((await upgrade(headers)).received).toMatch(/^HTTP\/1.1 400 /)
    },
  )

  test('another path', async () => {
    expect((await upgrade('Sec-WebSocket-Protocol: xmpp\r\n', '/wss')).received).toMatch(/^HTTP\/1.1 404 /)
  })
})

test('threat 51: no compression of frames, though the client offers it', async () => {
  const peer = await upgrade('Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Extensions: permessage-deflate\r\n')
  expect(peer.received).toMatch(/^HTTP\/1.1 101 /)
  expect(peer.received.toLowerCase()).not.toContain('extensions')
})

describe('threat 126: framing', () => {
  test.each<[string, Buffer | Buffer[], number]>([
    ['two stanzas', frame(TEXT, '<message xmlns="jabber:client"/><message xmlns="jabber:client"/>'), 1007],
    ['half a stanza', frame(TEXT, '<message xmlns="jabber:client">'), 1007],
    ['binary', frame(2, '<message xmlns="jabber:client"/>'), 1003],
    ['an unknown opcode', frame(3, 'x'), 1002],
    ['a reserved bit', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
    ['unmasked', frame(TEXT, OPEN, { masked: false }), 1002],
    ['not UTF-8', frame(TEXT, Buffer.from('<message xmlns="jabber:client">\xff</message>', 'latin1')), 1007],
    ['a long control frame', frame(9, 'x'.repeat(126)), 1002],
    ['a lone continuation', frame(CONTINUATION, 'x'), 1002],
    ['a length of 1 GB', frame(TEXT, '', { length: 1_000_000_000 }), 1009],
    ['more than one may have before login', frame(TEXT, `<a>${'x'.repeat(20_000)}</a>`), 1009],
    ['a flood of pings', Array.from({ length: 100 }, () => frame(9, 'x')), 1008],
    [
      'tiny continuations',
      [
        frame(TEXT, '<', { fin: false }),
        ...Array.from({ length: 2000 }, () => frame(CONTINUATION, 'a', { fin: false })),
      ],
      1008,
    ],
  ])('%s', async (_, bytes, code) => {
    const peer = await connected()
    await peer.write(frame(TEXT, OPEN))
    await peer.until('</stream:features>')
    await peer.write(Array.isArray(bytes) ? Buffer.concat(bytes) : bytes)
    expect(await closeCode(peer)).toBe(code)
    front.clock.advance(2000)
    await peer.closed
  })

  test('a ping is answered', async () => {
    const peer = await connected()
    await peer.write(frame(9, 'hello'))
    await peer.until('\x8a\x05hello')
  })

  test('something else than <open/> first', async () => {
    const peer = await connected()
    await peer.write(frame(TEXT, '<message xmlns="jabber:client"/>'))
    await peer.until('<invalid-namespace')
    await peer.until('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  })

  test('<close/> is answered with <close/>', async () => {
    const peer = await connected()
    await peer.write(frame(TEXT, OPEN))
    await peer.until('</stream:features>')
    await peer.write(frame(TEXT, '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'))
    await peer.until('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  })
})

describe('threat 3: every door has the same parser', () => {
  const bombs: [string, string, string][] = [
    ['a DTD', '<!DOCTYPE a [<!ENTITY l "lol">]><a>&l;</a>', 'restricted-xml'],
    ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a to="&x;"/>', 'restricted-xml'],
    ['a comment', '<a><!-- x --></a>', 'restricted-xml'],
    ['a processing instruction', '<a><?x y?></a>', 'restricted-xml'],
    ['an unknown entity', '<a>&x;</a>', 'restricted-xml'],
    ['a double attribute', '<a b="1" b="2"/>', 'not-well-formed'],
    ['a wrong end tag', '<a></b>', 'not-well-formed'],
  ]
  test.each(bombs)('%s', async (_, xml, condition) => {
    const doors: [Peer, string | Buffer, string | Buffer][] = [
      [await dial(front.port('client')), header('a.test'), xml],
      [await dial(front.port('component')), header('gw.a.test', 'jabber:component:accept'), xml],
      [await connected(), frame(TEXT, OPEN), frame(TEXT, xml)],
    ]
    for (const [peer, first, second] of doors) {
      await peer.write(first)
      await peer.write(second)
      await peer.until(`<${condition}`)
    }
  })
})
