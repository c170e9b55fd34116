import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Message } from '@parley/stanza'
import { DnsServer } from '@parley/testkit'
import { el } from '@parley/xml'
import { Transit } from '@xmpp/server-core'
import { dial, dropAll } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'
import { confirming } from './mantua.ts'
import { honest, Rival } from './rival.ts'

let dns: DnsServer
let rival: Rival
let front: Front

beforeAll(async () => {
  dns = await DnsServer.start()
  rival = await Rival.open()
  for (const name of ['b.test', 'hole.test', 'other.test', 'quiet.test'])
    dns.srv(`_xmpp-server._tcp.${name}`, { port: rival.port, target: 'host.test' })
  dns.a('host.test', '127.0.0.1')
  front = await Front.open({
    domains: ['a.test'],
    federation: {
      ...{ dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional', patience: '0s' },
      limits: { discovered: 200, burst: 5 },
    },
  })
})
beforeEach(() => {
  rival.forget()
  rival.manner = honest
})
afterAll(async () => {
  await dropAll()
  await front.close()
  await rival.close()
  await dns.stop()
})

const linkTo = (domain: string) => [...front.federation!.links].find(({ pair }) => pair.to === domain)!

/** Lets the server send messages to a domain; gives how many of them it answered with an error at once. */
async function send(domain: string, count: number, body = 'hi'): Promise<number> {
  const before = front.server.router.bounced
  const from = Jid.parse('romeo@a.test/x')
  const to = Jid.parse(`juliet@${domain}`)
  for (let n = 0; n < count; n++) {
    const head = { type: 'chat', from, to, id: `m${n}` } as const
    await front.server.router.route(new Message(head, Body.of([el('body', 'jabber:client', null, body)])))
  }
  return front.server.router.bounced - before
}

describe('other servers that are not there', () => {
  test.each([
    ['a domain that DNS does not know', 'nowhere.test', 'no addresses', 'nodata'],
    ['a domain whose server is away', 'away.test', 'ECONNREFUSED', undefined],
  ])('RFC 6120 § 8.3.3: %s', async (_, domain, why, code) => {
    dns.srv('_xmpp-server._tcp.away.test', { port: 1025, target: 'host.test' })
    await send(domain, 1)
    await front.until(() => linkTo(domain).problem !== undefined)
    const { problem } = linkTo(domain)
    expect(problem?.message).toContain(why)
    expect(problem).toMatchObject({ code })
    const head = { type: 'chat', from: Jid.parse('romeo@a.test/x'), to: Jid.parse(`juliet@${domain}`) } as const
    expect(front.server.router.remote!.take(new Message(head), new Transit())).toThrow(
      expect.objectContaining({ condition: code ? 'remote-server-not-found' : 'remote-server-timeout' }),
    )
  })
})

describe('other servers that do not keep up', () => {
  test('threat 117: what is sent to a black hole waits up to a bound, and each stanza is answered once', async () => {
    rival.manner = () => {}
    const refused = await send('hole.test', 20_000, 'x'.repeat(500))
    const { waiting } = linkTo('hole.test')
    expect(refused + waiting).toBe(20_000)
    expect(waiting).toBeLessThan(10_000)
    const before = front.server.router.bounced
    await front.until(() => rival.text.includes('<db:result'))
    front.clock.advance(31_000)
    await front.until(() => linkTo('hole.test').problem?.message.startsWith('it did not answer in time') === true)
    await front.until(() => linkTo('hole.test').waiting === 0)
    // Errors of the link are no bounces of the router: they are stanzas of their own.
    expect(front.server.router.bounced).toBe(before)
    // While it rests nothing waits.
    expect(await send('hole.test', 5)).toBe(5)
    expect(linkTo('hole.test').waiting).toBe(0)
  })

  test('threat 118: a server that never reads gets so much and no more; others are not kept waiting', async () => {
    rival.manner = (text, socket) => {
      honest(text, socket)
      if (text.includes('juliet@b.test')) socket.pause()
    }
    await send('b.test', 1)
    await front.until(() => linkTo('b.test').state === 'open')
    const refused = await send('b.test', 20_000, 'x'.repeat(1000))
    expect(refused).toBeGreaterThan(0)
    expect(linkTo('b.test').waiting).toBeLessThan(20_000)
    await send('other.test', 1)
    await front.until(() => rival.text.includes('juliet@other.test'))
  })

  test('a server that counts nothing is asked by pings; it answers them on the stream that it has opened', async () => {
    rival.manner = honest
    await send('quiet.test', 3)
    const link = linkTo('quiet.test')
    await front.until(() => link.state === 'open')
    front.clock.advance(1000)
    const asked = /<iq type="get" id="([^"]+)" from="a.test" to="quiet.test"><ping/
    await front.until(() => asked.test(rival.text))
    expect(link.waiting).toBe(3)
    const id = asked.exec(rival.text)![1]!
    const peer = await dial(front.port('server'))
    await peer.write(
      '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback" from="quiet.test" to="a.test" version="1.0">',
    )
    await peer.until('</stream:features>')
    await peer.write('<db:result from="quiet.test" to="a.test">abc</db:result>')
    await peer.until('type="valid"/>')
    await peer.write(`<iq type="result" id="${id.replace(/3$/, '99')}" from="quiet.test" to="a.test"/>`)
    await peer.write('<iq type="get" id="fence" from="quiet.test" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    await front.until(() => rival.text.includes('id="fence"'))
    expect(link.waiting).toBeGreaterThanOrEqual(3)
    await peer.write(`<iq type="error" id="${id}" from="quiet.test" to="a.test"><error type="cancel"/></iq>`)
    await front.until(() => link.waiting === 1)
  })

  test('threat 122: a flood from a proven server is read slowly, and not lost', async () => {
    rival.manner = confirming
    const peer = await dial(front.port('server'))
    await peer.write(
      '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback" from="b.test" to="a.test" version="1.0">',
    )
    await peer.until('</stream:features>')
    await peer.write('<db:result from="b.test" to="a.test">abc</db:result>')
    await peer.until('type="valid"/>')
    rival.received.length = 0
    const ping = '<iq type="get" id="p" from="juliet@b.test/x" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>'
    await peer.write(ping.repeat(3000))
    const answers = () => rival.text.match(/type="result" id="p"/g)?.length ?? 0
    await front.until(() => answers() >= 1000)
    // The burst is over, and time stands still: the rest waits to be read.
    await new Promise(resolve => setImmediate(resolve))
    expect(answers()).toBeLessThan(1500)
    while (answers() < 3000) {
      front.clock.advance(1000)
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    expect(answers()).toBe(3000)
  })
})
