import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Iq } from '@parley/stanza'
import { el } from '@parley/xml'
import { dial, dropAll, header, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from './front.ts'

const NS = 'jabber:component:accept'
const SECRET = 'a secret of the gateway'

let front: Front
beforeAll(async () => {
  front = await Front.open({
    domains: ['a.test'],
    components: { 'gw.host': { secret: SECRET }, 'bücher.example': { secret: SECRET } },
  })
})
afterEach(async () => {
  await dropAll()
  await front.until(() => front.server.streams.size === 0)
})
afterAll(() => front.close())

async function opened(domain: string): Promise<{ peer: Peer; id: string }> {
  const peer = await dial(front.port('component'))
  await peer.write(Buffer.from(header(domain, NS)))
  const answer = await peer.until('lang="en">')
  return { peer, id: /id="([^"]+)"/.exec(answer)![1]! }
}

const handshake = (id: string, secret = SECRET) =>
  `<handshake>${createHash('sha1')
    .update(id + secret)
    .digest('hex')}</handshake>`

async function connected(domain = 'gw.host'): Promise<Peer> {
  const { peer, id } = await opened(domain)
  await peer.write(handshake(id))
  await peer.until('<handshake/>')
  return peer
}

describe('XEP-0114: components', () => {
  test('requests go both ways, in the namespace of the stream', async () => {
    const peer = await connected()
    await peer.write('<iq type="get" id="1" from="bot@gw.host/x" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    expect(await peer.until('/>')).toBe('<iq from="a.test" to="bot@gw.host/x" type="result" id="1"/>')
    const asked = front.server.router.request(
      new Iq(
        { type: 'get', id: '2', from: Jid.parse('a.test'), to: Jid.parse('gw.host') },
        Body.of([el('ping', 'urn:xmpp:ping')]),
      ),
    )
    const { 1: id } = /^<iq from="a.test" to="gw.host" type="get" id="([^"]+)"/.exec(await peer.until('>'))!
    await peer.write(`<iq type="result" id="${id}" from="gw.host" to="a.test"/>`)
    expect((await asked).type).toBe('result')
  })

  test.each([
    ['a wrong secret', (id: string) => handshake(id, 'wrong'), 'not-authorized'],
    [
      'upper case',
      (id: string) => handshake(id).replace(/>(.*)</, (_, hex: string) => `>${hex.toUpperCase()}<`),
      'not-authorized',
    ],
    ['an empty handshake', () => '<handshake/>', 'not-authorized'],
    ['a stanza first', () => '<message from="gw.host" to="juliet@a.test"/>', 'not-authorized'],
  ])('%s', async (_, answer, condition) => {
    const { peer, id } = await opened('gw.host')
    await peer.write(answer(id))
    await peer.closed
    expect(peer.received).toContain(`<${condition}`)
    expect(peer.received).not.toContain('<handshake/>')
  })

  test('a domain that is not configured, and one that is a host', async () => {
    for (const domain of ['evil.host', 'a.test', '__proto__', 'constructor']) {
      const { peer } = await opened(domain)
      await peer.closed
      expect(peer.received).toContain('<host-unknown')
    }
  })

  test('another namespace', async () => {
    const peer = await dial(front.port('component'))
    await peer.write(header('gw.host'))
    await peer.closed
    expect(peer.received).toContain('<invalid-namespace')
  })

  test('a second one of the same domain is sent away, the first stays', async () => {
    const first = await connected()
    const { peer, id } = await opened('gw.host')
    await peer.write(handshake(id))
    await peer.closed
    expect(peer.received).toContain('<conflict')
    await first.write('<iq type="get" id="1" from="gw.host" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    await first.until('type="result"')
  })

  test('what is sent to one that is not there comes back', async () => {
    const peer = await connected('bücher.example')
    await peer.write('<message from="x@bücher.example" to="bot@gw.host" id="m"><body>a</body></message>')
    expect(await peer.until('</message>')).toContain('<remote-server-timeout')
    await connected()
  })

  test('an address that can not be read is refused, and the stream goes on', async () => {
    const peer = await connected()
    await peer.write('<message from="gw.host" to="@@" id="m"/>')
    expect(await peer.until('</message>')).toContain('<jid-malformed')
  })
})

describe('threat 63: "from" of a component', () => {
  test.each([
    'x@evil-gw.host',
    'x@evil.gw.host',
    'x@gw.host.evil',
    'gw.hos',
    'gw.host@evil.test',
    'a.test',
    'juliet@a.test',
    'x@gw。host.evil.test',
    'x@ɡw.host',
    '@gw.host',
    '',
  ])('%s is no address of gw.host', async from => {
    const peer = await connected()
    await peer.write(Buffer.from(`<message from="${from}" to="juliet@a.test"><body>a</body></message>`))
    await peer.closed
    expect(peer.received).toContain('<invalid-from')
  })

  test('the same domain in another spelling is its own', async () => {
    const peer = await connected('xn--bcher-kva.example')
    for (const from of ['x@BÜCHER.example', 'x@xn--bcher-kva.example.']) {
      await peer.write(
        Buffer.from(`<iq type="get" id="1" from="${from}" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`),
      )
      await peer.until('type="result"')
    }
  })

  test.each(['<message to="juliet@a.test"/>', '<message from="gw.host"/>'])('%s lacks an address', async xml => {
    const peer = await connected()
    await peer.write(xml)
    await peer.closed
    expect(peer.received).toContain('<improper-addressing')
  })
})
