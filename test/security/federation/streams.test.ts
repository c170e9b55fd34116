import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { DialbackKeys } from '@parley/s2s'
import { Body, Message } from '@parley/stanza'
import { DnsServer } from '@parley/testkit'
import { el } from '@parley/xml'
import { dial, dropAll, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'
import { honest, Rival } from './rival.ts'

const S2S = 'xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback"'
const header = (to: string, from = 'b.test') =>
  `<?xml version="1.0"?><stream:stream ${S2S} from="${from}" to="${to}" version="1.0">`
const key = (from = 'b.test', to = 'a.test') => `<db:result from="${from}" to="${to}">abc</db:result>`

let dns: DnsServer
let rival: Rival
let front: Front

beforeAll(async () => {
  dns = await DnsServer.start()
  rival = await Rival.open()
  for (const name of ['b.test', 'other.test'])
    dns.srv(`_xmpp-server._tcp.${name}`, { port: rival.port, target: 'host.test' })
  dns.a('host.test', '127.0.0.1')
  front = await Front.open({
    domains: ['a.test', 'bücher.example'],
    federation: { dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional' },
  })
})
beforeEach(() => {
  rival.forget()
  rival.manner = honest
})
afterEach(async () => {
  await dropAll()
  for (const link of front.federation!.links) link.close()
  await front.until(() => [...front.federation!.incoming].length === 0)
  // Who could not be reached is left alone for a while.
  front.clock.advance(600_000)
})
afterAll(async () => {
  await front.close()
  await rival.close()
  await dns.stop()
})

async function opened(to = 'a.test', from = 'b.test'): Promise<Peer> {
  const peer = await dial(front.port('server'))
  await peer.write(header(to, from))
  await peer.until('</stream:features>')
  return peer
}

/** A stream on which b.test has been proven by dialback. */
async function proven(): Promise<Peer> {
  const peer = await opened()
  await peer.write(key())
  await peer.until('type="valid"/>')
  return peer
}

describe('dialback', () => {
  test('XEP-0185 § 3: a key is made as the example says', () => {
    const keys = new DialbackKeys(Buffer.from('s3cr3tf0rd14lb4ck'))
    expect(keys.key({ from: 'capulet.example', to: 'montague.example' }, 'D60000229F')).toBe(
      'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3',
    )
  })

  test('XEP-0220 § 2.2.1: who is asked says yes: stanzas are taken', async () => {
    const peer = await proven()
    await peer.write('<iq type="get" id="1" from="juliet@b.test/x" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    await front.until(() => rival.text.includes('type="result"'))
    expect(rival.text).toContain('<iq from="a.test" to="juliet@b.test/x" type="result" id="1"/>')
  })

  test('XEP-0220 § 2.2.1: who is asked says no: the stream of a liar is closed', async () => {
    rival.manner = (text, socket) => {
      if (text.includes('<db:verify'))
        socket.write(
          /<db:verify ([^>]*)>/
            .exec(text)![0]
            .replace('>', ' type="invalid"/>')
            .replace('from="a.test"', 'x=""')
            .replace('to="b.test"', 'from="b.test" to="a.test"'),
        )
    }
    const peer = await opened()
    await peer.write(key())
    await peer.closed
    expect(peer.received).toContain('<db:result from="a.test" to="b.test" type="invalid"/>')
  })
})

describe('threats of streams between servers', () => {
  test.each(['result', 'verify'])('threat 109: nobody has asked for this %s', async name => {
    const peer = await opened()
    await peer.write(`<db:${name} from="b.test" to="a.test" id="1" type="valid"/>`)
    await peer.closed
    expect(peer.received).toContain('<invalid-xml')
  })

  test('threat 109: a result that nobody asked for opens no way out', async () => {
    const peer = await opened()
    await peer.write(
      '<db:result from="b.test" to="a.test" type="valid"/><message from="juliet@b.test" to="romeo@a.test"/>',
    )
    await peer.closed
    expect([...front.federation!.incoming]).toHaveLength(0)
  })

  test('threat 110: random keys are refused, and no two servers have the same ones', () => {
    const { keys } = front.federation!
    const pair = { from: 'a.test', to: 'b.test' }
    for (let n = 0; n < 100_000; n++) {
      if (keys.matches(randomBytes(32).toString('hex'), pair, 'stream')) throw new Error('A guessed key was taken')
    }
    expect(keys.matches(keys.key(pair, 'stream'), pair, 'stream')).toBe(true)
    expect(keys.matches(keys.key(pair, 'stream'), pair, 'other')).toBe(false)
    expect(keys.matches(keys.key(pair, 'stream'), { from: 'a.test', to: 'c.test' }, 'stream')).toBe(false)
  })

  test('threat 111: without a proof no stanza gets in, whatever is tried first', async () => {
    for (const attempt of [
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">Yi50ZXN0</auth>',
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AGEAYg==</auth>',
      '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>',
      '<enable xmlns="urn:xmpp:sm:3"/>',
      '',
    ]) {
      const peer = await opened()
      await peer.write(`${attempt}<message from="juliet@b.test" to="romeo@a.test"><body>hi</body></message>`)
      await peer.closed
      expect(peer.received).toMatch(/<invalid-from|<unsupported-stanza-type/)
    }
  })

  test('threat 112: a stanza of another domain on a proven stream', async () => {
    const peer = await proven()
    await peer.write('<message from="juliet@other.test" to="romeo@a.test"><body>hi</body></message>')
    await peer.closed
    expect(peer.received).toContain('<invalid-from')
  })

  test('threat 112: another domain on the same stream is proven by itself', async () => {
    const peer = await proven()
    await peer.write(key('other.test'))
    await peer.until('<db:result from="a.test" to="other.test" type="valid"/>')
    await peer.write('<iq type="get" id="2" from="x@other.test" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    await front.until(() => rival.text.includes('to="x@other.test" type="result"'))
  })

  test('threat 113: nothing is passed on to a domain that is not here', async () => {
    const peer = await proven()
    await peer.write('<message from="juliet@b.test" to="nurse@elsewhere.test"><body>hi</body></message>')
    await peer.closed
    expect(peer.received).toContain('<host-unknown')
  })

  test('threat 113: a stream to a domain that is not here', async () => {
    const peer = await dial(front.port('server'))
    await peer.write(header('elsewhere.test'))
    await peer.closed
    expect(peer.received).toContain('<host-unknown')
  })

  test('threat 116: a domain that says nothing is asked once at a time, and not for ever', async () => {
    rival.manner = () => {}
    const peer = await opened()
    await peer.write(key())
    await front.until(() => rival.text.includes('<db:verify'))
    front.clock.advance(61_000)
    await peer.closed
    expect(rival.text.match(/<db:verify/g)).toHaveLength(1)
    // Nobody goes on waiting for the answer.
    await front.until(() => rival.sockets.size === 0)
  })

  test('threat 119: what asks for two directions in the namespace of the feature is not used', async () => {
    const peer = await opened()
    await peer.write('<bidi xmlns="urn:xmpp:features:bidi"/>')
    await peer.closed
    expect(peer.received).toContain('<unsupported-stanza-type')
  })

  test('threat 119: nobody asks for two directions when something is proven, or twice', async () => {
    const late = await proven()
    await late.write('<bidi xmlns="urn:xmpp:bidi"/>')
    await late.closed
    const twice = await opened()
    await twice.write('<bidi xmlns="urn:xmpp:bidi"/><bidi xmlns="urn:xmpp:bidi"/>')
    await twice.closed
    for (const peer of [late, twice]) expect(peer.received).toContain('<unsupported-stanza-type')
  })

  test('threat 119: a stanza that comes on a stream of ours is not taken', async () => {
    rival.manner = (text, socket) => {
      honest(text, socket)
      if (text.includes('<message'))
        socket.write('<message from="juliet@b.test" to="romeo@a.test"><body>hi</body></message>')
    }
    await send('juliet@b.test')
    const [link] = front.federation!.links
    await front.until(() => link!.problem?.message === 'it sends what it may not on a stream of ours')
  })

  test('threat 120: nobody goes on with a session from here', async () => {
    const peer = await proven()
    await peer.write('<resume xmlns="urn:xmpp:sm:3" h="0" previd="some-session"/>')
    expect(await peer.until('</failed>')).toContain('<item-not-found')
  })

  test.each([
    ['another case', 'A.TEST'],
    ['a dot at the end', 'a.test.'],
    ['A-labels', 'xn--bcher-kva.example'],
  ])('threat 121: a domain of ours in %s is the same', async (_, spelt) => {
    const peer = await opened(spelt)
    await peer.write(key('b.test', spelt))
    await peer.until('type="valid"/>')
    await peer.write(`<iq type="get" id="1" from="juliet@B.test/x" to="${spelt}"><ping xmlns="urn:xmpp:ping"/></iq>`)
    await front.until(() => rival.text.includes('type="result"'))
  })

  test.each(['[::1]:5269', 'a.test:5269', 'a test', 'x@a.test', ''])(
    'threat 121: "%s" is no domain of ours',
    async spelt => {
      const peer = await dial(front.port('server'))
      await peer.write(header(spelt))
      await peer.closed
      expect(peer.received).toContain('<host-unknown')
    },
  )

  test('threat 121: a domain that is blocked is blocked in every spelling', async () => {
    await front.federation!.partners.set('b.test', { state: 'blocked' })
    try {
      for (const spelt of ['b.test', 'B.TEST', 'b.test.', 'sub.b.test']) {
        const peer = await dial(front.port('server'))
        await peer.write(header('a.test', spelt))
        await peer.closed
        expect(peer.received).toContain('<policy-violation')
      }
    } finally {
      await front.federation!.partners.remove('b.test')
    }
  })
})

/** Lets the server send a message to somebody at b.test. */
async function send(to: string): Promise<void> {
  const head = { type: 'chat', from: Jid.parse('romeo@a.test/x'), to: Jid.parse(to), id: 'm' } as const
  await front.server.router.route(new Message(head, Body.of([el('body', 'jabber:client', null, 'hi')])))
}
