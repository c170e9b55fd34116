import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Message } from '@parley/stanza'
import { DnsServer } from '@parley/testkit'
import { el } from '@parley/xml'
import { dial, dialTls, dropAll, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'
import { honest, Rival } from './rival.ts'

const HEADER =
  '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback" from="b.test" to="a.test" version="1.0">'
const KEY = '<db:result from="b.test" to="a.test">abc</db:result>'
const BIDI = '<bidi xmlns="urn:xmpp:bidi"/>'
const DIALBACK = '<dialback xmlns="urn:xmpp:features:dialback"/>'
const OFFERED = `${DIALBACK}<bidi xmlns="urn:xmpp:features:bidi"/>`
const ping = (from: string, to: string, id = 'p') =>
  `<iq type="get" id="${id}" from="${from}" to="${to}"><ping xmlns="urn:xmpp:ping"/></iq>`

let dns: DnsServer
let rival: Rival
let front: Front

beforeAll(async () => {
  dns = await DnsServer.start()
  rival = await Rival.open()
  for (const name of ['b.test', 'other.test'])
    dns.srv(`_xmpp-server._tcp.${name}`, { port: rival.port, target: 'host.test' })
  dns.a('host.test', '127.0.0.1')
})
beforeEach(async () => {
  rival.forget()
  rival.manner = honest
  rival.features = DIALBACK
  front = await open()
})
afterEach(async () => {
  await dropAll()
  await front.close()
})
afterAll(async () => {
  await rival.close()
  await dns.stop()
})

function open(more: Record<string, unknown> = {}): Promise<Front> {
  return Front.open({
    domains: ['a.test', 'second.test'],
    federation: { dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional', ...more },
  })
}

const link = (from = 'a.test') =>
  [...front.federation!.links].find(({ pair }) => pair.from === from && pair.to === 'b.test')

async function send(text: string, { from = 'romeo@a.test/x', to = 'juliet@b.test' } = {}): Promise<void> {
  const head = { type: 'chat', from: Jid.parse(from), to: Jid.parse(to), id: 'm' } as const
  await front.server.router.route(new Message(head, Body.of([el('body', 'jabber:client', null, text)])))
}

describe('a stream that another server has opened', () => {
  async function opened(bidi = BIDI): Promise<Peer> {
    const peer = await dial(front.port('server'))
    await peer.write(HEADER)
    await peer.until('</stream:features>')
    await peer.write(bidi)
    return peer
  }
  /** b.test has been proven on it, and takes stanzas. */
  async function proven(bidi = BIDI): Promise<Peer> {
    const peer = await opened(bidi)
    await peer.write(KEY)
    await peer.until('type="valid"/>')
    rival.received.length = 0
    return peer
  }

  test('XEP-0288 § 2.1: both directions are offered, and used: nobody opens another stream', async () => {
    const peer = await proven()
    expect(peer.received).toContain('<bidi xmlns="urn:xmpp:features:bidi"/>')
    await send('Shall I hear more?')
    await peer.until('<body>Shall I hear more?</body>')
    expect(rival.text).toBe('')
    await peer.write(ping('juliet@b.test/x', 'a.test'))
    await peer.until('type="result" id="p"/>')
    expect(link()!.state).toBe('open')
  })

  test('XEP-0288 § 2.2: who has not asked for it gets nothing on it', async () => {
    const peer = await proven('')
    await send('Shall I hear more?')
    await front.until(() => rival.text.includes('Shall I hear more?'))
    expect(peer.received).not.toContain('Shall I hear more?')
  })

  test('XEP-0288 § 2.2: nothing is sent before the other domain is proven', async () => {
    rival.manner = (text, socket) => {
      if (!text.includes('<db:verify')) honest(text, socket)
    }
    const peer = await opened()
    await peer.write(KEY)
    await front.until(() => rival.text.includes('<db:verify'))
    await send('Shall I hear more?')
    await front.until(() => rival.text.includes('Shall I hear more?'))
    expect(peer.received).not.toContain('Shall I hear more?')
  })

  test('threat 119: other pairs than the one that was proven have streams of their own', async () => {
    const peer = await proven()
    await send('from another', { from: 'romeo@second.test/x' })
    await send('to another', { to: 'juliet@other.test' })
    await front.until(() => rival.text.includes('from another') && rival.text.includes('to another'))
    expect(peer.received).not.toContain('another')
  })

  test('XEP-0288 § 2.2: a key is never verified on the stream that it came on', async () => {
    const peer = await proven()
    await send('Shall I hear more?')
    await peer.until('<body>Shall I hear more?</body>')
    await peer.write(KEY)
    await front.until(() => rival.text.includes('<db:verify'))
    expect(peer.received).not.toContain('db:verify')
  })

  test('threat 109: a result that nobody asked for ends it, though it goes both ways', async () => {
    const peer = await proven()
    await peer.write('<db:result from="b.test" to="second.test" type="valid"/>')
    await peer.closed
    expect(peer.received).toContain('<invalid-xml')
    expect(link('second.test')).toBeUndefined()
  })

  test('XEP-0198 § 4: what goes back is counted from where counting began', async () => {
    const peer = await proven()
    await send('before')
    await peer.until('<body>before</body>')
    await peer.write('<enable xmlns="urn:xmpp:sm:3"/>')
    await peer.until('<enabled xmlns="urn:xmpp:sm:3"/>')
    await send('behind')
    front.clock.advance(500)
    await peer.until('<r xmlns="urn:xmpp:sm:3"/>')
    expect(link()!.waiting).toBe(2)
    await peer.write('<a xmlns="urn:xmpp:sm:3" h="1"/>')
    await front.until(() => link()!.waiting === 0)
    // And what comes, in the other direction.
    await peer.write(`${ping('juliet@b.test/x', 'a.test')}<r xmlns="urn:xmpp:sm:3"/>`)
    await peer.until('<a xmlns="urn:xmpp:sm:3" h="1"/>')
  })

  test('XEP-0199 § 4.4: a server that does not count is asked with pings on the same stream', async () => {
    const peer = await proven()
    await send('Shall I hear more?')
    front.clock.advance(500)
    const [, id] = /<iq type="get" id="(parley-until-[^"]+)"/.exec(await peer.until('urn:xmpp:ping'))!
    await peer.write(`<iq type="result" id="${id}" from="b.test" to="a.test"/>`)
    await front.until(() => link()!.waiting === 0)
  })

  test('what its end leaves unconfirmed goes back to who sent it; the next stanza opens a stream', async () => {
    const peer = await proven()
    await send('lost')
    await peer.until('<body>lost</body>')
    peer.drop()
    await front.until(() => link()!.state === 'idle')
    expect(link()!.waiting).toBe(0)
    await send('again')
    await front.until(() => rival.text.includes('<body>again</body>'))
  })

  test('XEP-0478 § 3.2: a stanza longer than it takes goes back, and the stream stays', async () => {
    const limits = '<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>2000</max-bytes></limits>'
    const peer = await proven(`<bidi xmlns="urn:xmpp:bidi">${limits}</bidi>`)
    await send('ü'.repeat(1000))
    await send('short')
    await peer.until('<body>short</body>')
    expect(peer.received).not.toContain('üü')
  })

  test('RFC 6120 § 5.4.3.3: what was agreed in the clear ends where TLS begins', async () => {
    const clear = await proven()
    await send('in the clear')
    await clear.until('<body>in the clear</body>')
    await clear.write('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>')
    await clear.until('<proceed')
    clear.socket.removeAllListeners('data')
    const peer = await dialTls({ socket: clear.socket, servername: 'a.test' })
    await peer.write(HEADER)
    await peer.until('</stream:features>')
    await send('Shall I hear more?')
    await front.until(() => rival.text.includes('<body>Shall I hear more?</body>'))
    expect(peer.received).not.toContain('Shall I hear more?')
  })

  test('where it is off, nobody offers it, and nobody takes it', async () => {
    await front.close()
    front = await open({ bidi: false })
    const peer = await opened()
    await peer.closed
    expect(peer.received).not.toContain('urn:xmpp:features:bidi')
    expect(peer.received).toContain('<unsupported-stanza-type')
  })
})

describe('a stream that we have opened', () => {
  let socket: Socket
  /** The rival offers both directions, and has taken our key. */
  async function opened(features = OFFERED): Promise<void> {
    rival.features = features
    rival.manner = (text, from) => {
      honest(text, from)
      if (text.includes('<enable')) from.write('<enabled xmlns="urn:xmpp:sm:3"/>')
      socket = from
    }
    await send('Shall I hear more?')
    await front.until(() => rival.text.includes('Shall I hear more?'))
    rival.received.length = 0
  }

  test('XEP-0288 § 2.2: we ask for both directions before we prove ourselves, and the peer may speak', async () => {
    rival.features = OFFERED
    await opened()
    socket.write(ping('juliet@b.test/x', 'a.test'))
    await front.until(() => rival.text.includes('to="juliet@b.test/x" type="result" id="p"'))
    // On the same stream: nobody has opened another one.
    expect(rival.text).not.toContain('<stream:stream')
  })

  test('XEP-0288 § 2.2: what is said, in this order', async () => {
    const seen: string[] = []
    rival.features = OFFERED
    rival.manner = (text, from) => {
      seen.push(text)
      honest(text, from)
    }
    await send('Shall I hear more?')
    await front.until(() => rival.text.includes('Shall I hear more?'))
    const said = seen.join('')
    expect(said).toContain(
      '<bidi xmlns="urn:xmpp:bidi"><limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>262144</max-bytes></limits></bidi>',
    )
    expect(said.indexOf('<bidi')).toBeLessThan(said.indexOf('<db:result'))
  })

  test.each([
    ['for another domain', ping('juliet@other.test/x', 'a.test')],
    ['for a domain below', ping('juliet@sub.b.test/x', 'a.test')],
    ['to another domain of ours', ping('juliet@b.test/x', 'second.test')],
    ['to a domain elsewhere', ping('juliet@b.test/x', 'other.test')],
  ])('threat 119: it may not speak %s', async (_, stanza) => {
    await opened()
    socket.write(stanza)
    await front.until(() => rival.text.includes('<invalid-from'))
    await front.until(() => link()!.state !== 'open')
  })

  test('threat 119: it may not speak before it has taken our proof', async () => {
    rival.features = OFFERED
    rival.manner = (text, from) => {
      if (text.includes('<db:result')) from.write('<message from="juliet@b.test" to="romeo@a.test"/>')
    }
    await send('Shall I hear more?')
    await front.until(() => link()!.problem?.message === 'it sends what it may not on a stream of ours')
  })

  test('threat 119: it may not speak where nobody has asked for both directions', async () => {
    await opened(DIALBACK)
    socket.write('<message from="juliet@b.test" to="romeo@a.test"><body>hi</body></message>')
    await front.until(() => link()!.problem?.message === 'it sends what it may not on a stream of ours')
  })

  test('threat 109: it proves no other domain there', async () => {
    await opened()
    socket.write('<db:result from="other.test" to="a.test">key</db:result>')
    await front.until(() => rival.text.includes('<policy-violation'))
    socket.write('<db:result from="other.test" to="a.test" type="valid"/>')
    socket.write(ping('juliet@other.test/x', 'a.test'))
    await front.until(() => rival.text.includes('<invalid-from'))
  })

  test('XEP-0220 § 2.2.2: it may ask there whether a key is ours', async () => {
    await opened()
    const key = front.federation!.keys.key({ from: 'a.test', to: 'b.test' }, 'some-stream')
    socket.write(`<db:verify from="b.test" to="a.test" id="some-stream">${key}</db:verify>`)
    await front.until(() => rival.text.includes('<db:verify from="a.test" to="b.test" id="some-stream" type="valid"/>'))
    socket.write('<db:verify from="b.test" to="a.test" id="some-stream">guess</db:verify>')
    await front.until(() => rival.text.includes('type="invalid"/>'))
  })

  test('XEP-0198 § 4: what comes is counted from where counting began', async () => {
    await opened(`${OFFERED}<sm xmlns="urn:xmpp:sm:3"/>`)
    const [one, two] = [ping('juliet@b.test/x', 'a.test', '1'), ping('juliet@b.test/x', 'a.test', '2')]
    socket.write(`${one}${two}<r xmlns="urn:xmpp:sm:3"/>`)
    await front.until(() => rival.text.includes('<a xmlns="urn:xmpp:sm:3" h="2"/>'))
  })

  test('it is not closed for idleness while something comes on it', async () => {
    await opened(`${OFFERED}<sm xmlns="urn:xmpp:sm:3"/>`)
    socket.write('<a xmlns="urn:xmpp:sm:3" h="1"/>')
    await front.until(() => link()!.waiting === 0)
    front.clock.advance(600_000)
    socket.write('<message type="error" from="juliet@b.test" to="a.test"/><r xmlns="urn:xmpp:sm:3"/>')
    await front.until(() => rival.text.includes('h="1"'))
    front.clock.advance(600_000)
    expect(link()!.state).toBe('open')
    front.clock.advance(600_000)
    await front.until(() => link()!.state === 'idle')
  })

  test('threat 119: nothing comes on it where a record says that stanzas only go there', async () => {
    await opened()
    await front.federation!.partners.set('b.test', { state: 'allowed', direction: 'out' })
    await front.until(() => link()!.state !== 'open')
    await opened()
    expect(link()!.stream?.isBidi).toBe(false)
  })

  test('XEP-0478 § 3.1: a stanza longer than the peer takes goes back, and the stream stays', async () => {
    const limits = '<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>2000</max-bytes></limits>'
    await opened(`${DIALBACK}${limits}`)
    await send('ü'.repeat(1000))
    await send('short')
    await front.until(() => rival.text.includes('<body>short</body>'))
    expect(rival.text).not.toContain('üü')
    expect(link()!.state).toBe('open')
  })
})
