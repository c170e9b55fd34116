import { describe, expect, test } from '@jest/globals'
import { Networks } from '@xmpp/server-core'
import { originOf } from './forwarded.ts'

const trusted = new Networks(['10.0.0.0/8', '2001:db8:1::/48'])
const origin = (peer: string, chain?: string, proto?: string) =>
  originOf(
    {
      ...(chain === undefined ? {} : { 'x-forwarded-for': chain }),
      ...(proto === undefined ? {} : { 'x-forwarded-proto': proto }),
    },
    peer,
    trusted,
  )

describe('whose a request is', () => {
  test.each([
    ['nobody forwarded it', '10.0.0.1', undefined, '10.0.0.1'],
    ['one proxy', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['over an IPv6 socket', '::ffff:10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['two proxies', '10.0.0.1', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['what the client made up', '10.0.0.1', '203.0.113.1, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['a client among the proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['a peer that is not trusted', '192.0.2.9', '192.0.2.1', '192.0.2.9'],
    ['rubbish', '10.0.0.1', '192.0.2.1, rubbish', '10.0.0.1'],
    ['rubbish further left', '10.0.0.1', 'rubbish, 10.0.0.2', '10.0.0.2'],
    ['nothing between commas', '10.0.0.1', '192.0.2.1,,', '10.0.0.1'],
    ['a port', '10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
    ['IPv6', '2001:db8:1::1', '2001:0DB8::1', '2001:db8::1'],
    ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['mapped IPv4', '10.0.0.1', '::FFFF:192.0.2.1', '192.0.2.1'],
    ['an interface', '10.0.0.1', 'fe80::1%eth0', '10.0.0.1'],
  ])('%s', (_, peer, chain, address) => {
    expect(origin(peer, chain).address).toBe(address)
  })

  test.each([
    ['10.0.0.1', '192.0.2.1', undefined, undefined],
    ['10.0.0.1', '192.0.2.1', 'https', 'https'],
    ['10.0.0.1', '192.0.2.1', 'HTTP', 'http'],
    ['10.0.0.1', undefined, 'https', 'https'],
    // The client's own word stands left of the proxy's.
    ['10.0.0.1', '192.0.2.1', 'https, http', 'http'],
    ['10.0.0.1', '192.0.2.1, 10.0.0.2', 'http, https, http', 'https'],
    ['10.0.0.1', '192.0.2.1, 10.0.0.2', 'https', 'https'],
    ['10.0.0.1', '192.0.2.1', 'gopher', undefined],
    ['192.0.2.9', '192.0.2.1', 'https', undefined],
  ])('%s with X-Forwarded-For %s and X-Forwarded-Proto %s: %s', (peer, chain, proto, protocol) => {
    expect(origin(peer, chain, proto).protocol).toBe(protocol)
  })

  test('what a proxy handed on that is not trusted is known as such', () => {
    expect(origin('192.0.2.9', '192.0.2.1').isForwarded).toBe(true)
    expect(originOf({ via: '1.1 somewhere' }, '127.0.0.1', trusted).isForwarded).toBe(true)
    expect(originOf({ host: 'a.test' }, '127.0.0.1', trusted).isForwarded).toBe(false)
    expect(origin('10.0.0.1', '192.0.2.1').isForwarded).toBe(false)
  })
})
