import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { parseElement } from '@parley/xml'
import { dial, dialTls, dropAll, header, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from './front.ts'

const LOOPS = process.env['PARLEY_FUZZ'] === 'full' ? 20_000 : 25
const TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
const STARTTLS = `<starttls xmlns="${TLS}"/>`
const plain = Buffer.from('\0juliet\0secret').toString('base64')
const AUTH = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`

let front: Front
let port: number
beforeAll(async () => {
  front = await Front.open({ domains: ['a.test', 'b.test'] })
  port = front.port('client')
  await front.server.router.hosts.get('a.test')!.accounts.create(Jid.parse('juliet@a.test'), 'secret')
})
afterAll(() => front.close())
afterEach(async () => {
  await dropAll()
  await front.until(() => front.server.streams.size === 0 && front.listeners.pending === 0)
})

async function opened(to = 'a.test'): Promise<Peer> {
  const peer = await dial(port)
  await peer.write(header(to))
  return peer
}

async function negotiating(): Promise<Peer> {
  const peer = await opened()
  await peer.until('</stream:features>')
  return peer
}

async function secured() {
  const plainPeer = await negotiating()
  await plainPeer.write(STARTTLS)
  await plainPeer.until('<proceed')
  const peer = await dialTls({ socket: plainPeer.socket, servername: 'a.test' })
  await peer.write(header('a.test'))
  await peer.until('</stream:features>')
  return peer
}

async function loggedIn() {
  const peer = await secured()
  await peer.write(AUTH)
  await peer.until('<success')
  await peer.write(header('a.test'))
  await peer.until('</stream:features>')
  await peer.write('<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>')
  await peer.until('</iq>')
  return peer
}

/** What a peer is told before the connection ends. */
async function ending(peer: Peer): Promise<string> {
  await peer.closed
  return peer.received
}

test('threat 8: a message cut at every byte arrives as it was', async () => {
  const [sender, receiver] = [await loggedIn(), await loggedIn()]
  await receiver.write('<presence/>')
  await receiver.until('<presence')
  const text = 'こんにちは 👩‍👧 Ω'
  const bytes = Buffer.from(`<message to="juliet@a.test" type="chat"><body>${text}</body></message>`)
  for (let cut = 1; cut < bytes.length; cut++) {
    await sender.write(bytes.subarray(0, cut))
    await sender.write(bytes.subarray(cut))
    const got = await receiver.until('</message>')
    expect(Buffer.from(got, 'latin1').toString()).toContain(`<body>${text}</body>`)
  }
  for (const peer of [sender, receiver]) {
    await peer.write('</stream:stream>')
    await peer.closed
  }
})

describe('threat 21: slowloris', () => {
  test.each([
    ['nothing at all', 'client', ''],
    ['half a stream header', 'client', '<stream:str'],
    ['a stream header', 'client', header('a.test')],
    ['half of <starttls/>', 'client', `${header('a.test')}<starttls xml`],
    ['half a TLS handshake', 'clientTls', '\x16\x03\x01'],
    ['a component that says nothing', 'component', ''],
  ] as const)('%s is cut after a minute, one byte at a time or not', async (_, door, bytes) => {
    const peer = await dial(front.port(door))
    await peer.write(bytes)
    await front.until(() => front.server.streams.size === 1 || door === 'component')
    await new Promise(resolve => setImmediate(resolve))
    for (let n = 0; n < 7 && !peer.isClosed; n++) front.clock.advance(10_000)
    await peer.closed
  })

  test('a peer that has TLS and does not log in', async () => {
    const peer = await secured()
    front.clock.advance(61_000)
    expect(await ending(peer)).toContain('<connection-timeout')
  })

  test('a stanza that never ends', async () => {
    const peer = await loggedIn()
    await peer.write('<message to="a.test"><body>a')
    await front.until(() => front.listeners.pending === 1)
    front.clock.advance(71_000)
    expect(await ending(peer)).toContain('<policy-violation')
  })
})

describe('threat 22: connections dropped on the way', () => {
  const stages: [string, () => Promise<Peer>][] = [
    ['after connecting', () => dial(port)],
    ['after the header', () => opened()],
    ['after the features', () => negotiating()],
    ['in the middle of a TLS handshake', async () => halfHandshake(await dial(front.port('clientTls')))],
    ['after STARTTLS', () => secured() as Promise<Peer>],
    ['after direct TLS', () => dialTls({ port: front.port('clientTls'), servername: 'a.test' }) as Promise<Peer>],
    ['in the middle of a stanza', async () => halfStanza(await secured())],
    ['on the component port', () => dial(front.port('component'))],
  ]
  test.each(stages)(`%s, ${LOOPS} times: nothing stays`, async (_, reach) => {
    for (let n = 0; n < LOOPS; n++) {
      const peer = await reach()
      peer.drop()
      await peer.closed
    }
    await front.until(() => front.server.streams.size === 0 && front.listeners.pending === 0)
    expect(front.server.sessions.size).toBe(0)
  })

  async function halfHandshake(peer: Peer): Promise<Peer> {
    await peer.write(Buffer.from('16030100050100', 'hex'))
    return peer
  }
  async function halfStanza(peer: Peer): Promise<Peer> {
    await peer.write('<message><body>')
    return peer
  }
})

test('threat 23: 10 MB of white space cost nothing and end nothing', async () => {
  const peer = await loggedIn()
  const spaces = ' '.repeat(1_000_000)
  for (let n = 0; n < 10; n++) await peer.write(spaces)
  await peer.write('<iq type="get" id="p" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
  await peer.until('id="p"')
  await peer.write('</stream:stream>')
  await peer.closed
})

describe('threat 25: bad stream headers', () => {
  test.each([
    ['no "to"', header('a.test').replace("to='a.test'", ''), 'improper-addressing'],
    ['an unknown "to"', header('c.test'), 'host-unknown'],
    ['a "to" of 4 KB', header('a'.repeat(4096)), 'host-unknown'],
    ['another namespace', header('a.test', 'jabber:server'), 'invalid-namespace'],
    ['another stream namespace', header('a.test').replace('etherx', 'example'), 'invalid-namespace'],
    ['no version', header('a.test').replace("version='1.0' xmlns", 'xmlns'), 'unsupported-version'],
    ['two headers', header('a.test') + header('a.test').slice(21), 'not-well-formed|unsupported-stanza-type|policy'],
    ['no XML', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
  ])('%s', async (name, xml, condition) => {
    const peer = await dial(port)
    await peer.write(xml)
    if (name === 'two headers') await peer.write('</stream:stream></stream:stream>')
    const told = await ending(peer)
    expect(told).toMatch(
      new RegExp(`<stream:stream [\\s\\S]*<stream:error><(${condition})[ /][\\s\\S]*</stream:stream>$`),
    )
  })
})

describe('threat 27: ends', () => {
  test('the end twice, and more after it', async () => {
    const peer = await negotiating()
    await peer.write(`</stream:stream></stream:stream>${AUTH}<x`)
    expect((await ending(peer)).match(/<\/stream:stream>/g)).toHaveLength(1)
  })

  test('a reset in the middle of a stanza', async () => {
    const peer = await loggedIn()
    await peer.write('<message><body>half')
    peer.drop()
    await front.until(() => front.server.streams.size === 0)
  })
})

describe('threat 30: nothing but STARTTLS in clear text', () => {
  test('the features say so', async () => {
    const peer = await opened()
    const features = /<stream:features>(.*)<\/stream:features>/.exec(await peer.until('</stream:features>'))?.[1]
    const LIMITS = 'urn:xmpp:stream-limits:0'
    const offered = parseElement(`<features>${features}</features>`)
      .elements()
      .filter(({ ns }) => ns !== LIMITS)
    expect(offered.map(String)).toEqual([`<starttls xmlns="${TLS}"><required/></starttls>`])
  })

  test('a password is not taken', async () => {
    const peer = await negotiating()
    await peer.write(AUTH)
    await peer.until('failure').catch(() => '')
    expect(peer.received).not.toContain('<success')
  })

  test('jabber:iq:auth is not known', async () => {
    const peer = await negotiating()
    await peer.write('<iq type="get" id="1"><query xmlns="jabber:iq:auth"/></iq>')
    expect(await ending(peer)).toContain('<not-authorized')
  })
})

test('threat 31: <compress/> before TLS', async () => {
  const peer = await negotiating()
  expect(peer.received).not.toContain('compress')
  await peer.write('<compress xmlns="http://jabber.org/protocol/compress"><method>zlib</method></compress>')
  expect(await ending(peer)).toContain('<unsupported-stanza-type')
})

describe('threat 32: clear text after <starttls/>', () => {
  test.each([
    ['in the same segment', STARTTLS + AUTH],
    ['with a header before', `${STARTTLS}${header('a.test')}${AUTH}`],
    ['half an element', `${STARTTLS}<`],
    ['a second <starttls/>', STARTTLS + STARTTLS],
  ])('%s', async (_, text) => {
    const peer = await negotiating()
    await peer.write(text)
    await peer.closed
    expect(peer.received).not.toMatch(/success|proceed/)
  })

  test('cut anywhere it is found as well', async () => {
    const bytes = `${STARTTLS}${AUTH}`
    for (const cut of [1, 5, 12, STARTTLS.length - 1]) {
      const peer = await negotiating()
      await peer.write(bytes.slice(0, cut))
      await new Promise(resolve => setImmediate(resolve))
      await peer.write(bytes.slice(cut))
      await peer.closed
      expect(peer.received).not.toMatch(/success/)
    }
  })
})

describe('threat 33: STARTTLS where it can not be', () => {
  test('inside TLS', async () => {
    const peer = await secured()
    expect(peer.received).not.toContain('<starttls')
    await peer.write(STARTTLS)
    expect(await ending(peer)).toMatch(/<failure xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/><\/stream:stream>$/)
  })

  test('inside direct TLS', async () => {
    const peer = await dialTls({ port: front.port('clientTls'), servername: 'a.test' })
    await peer.write(header('a.test'))
    await peer.until('</stream:features>')
    await peer.write(STARTTLS)
    expect(await ending(peer)).toMatch(/<failure xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/><\/stream:stream>$/)
  })
})

describe('clients that do not read', () => {
  const stanza = (id: string) => `<message id="${id}"><body>${'x'.repeat(100_000)}</body></message>`

  async function deaf() {
    const peer = await loggedIn()
    peer.socket.pause()
    const [session] = front.server.sessions.values()
    return { peer, session: session! }
  }

  test('threat 164: one is cut when more waits for it than may', async () => {
    const { peer, session } = await deaf()
    let written = 0
    while (session.stream?.writeStanza(stanza(''))) written++
    expect(written).toBeGreaterThan(80)
    expect(written).toBeLessThan(200)
    peer.socket.resume()
    await peer.closed
  })

  test('threat 164: one is cut when it has taken nothing for a minute', async () => {
    const { peer, session } = await deaf()
    for (let n = 0; n < 80; n++) expect(session.stream?.writeStanza(stanza(''))).toBe(true)
    await new Promise(resolve => setImmediate(resolve))
    front.clock.advance(61_000)
    expect(session.stream).toBeUndefined()
    peer.socket.resume()
    await peer.closed
  })

  test('threat 164: one that begins to again gets everything, in order; what has not left does not count as sent', async () => {
    const { peer, session } = await deaf()
    const left: string[] = []
    for (let n = 0; n < 80; n++) {
      session.stream!.writeStanza(stanza(`n${n}`))
      session.stream!.flushed(() => left.push(`n${n}`))
    }
    await new Promise(resolve => setImmediate(resolve))
    expect(left.length).toBeLessThan(80)
    peer.socket.resume()
    const text = await peer.until('id="n79"')
    await front.until(() => left.length === 80)
    const all = Array.from({ length: 80 }, (_, n) => `n${n}`)
    expect([...text.matchAll(/id="(n\d+)"/g)].map(match => match[1])).toEqual(all)
    expect(left).toEqual(all)
  })
})
