import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { DnsServer } from '@parley/testkit'
import { systemClock } from '../clock.ts'
import type { DiscoveryEvent } from '../discovery.ts'
import { DnsError } from './errors.ts'
import { Resolver } from './resolver.ts'

const XMPP = '_xmpp-server._tcp.a.test'
const XMPPS = '_xmpps-server._tcp.a.test'

let dns: DnsServer
let resolver: Resolver
beforeEach(async () => {
  dns = await DnsServer.start()
  resolver = new Resolver({
    servers: [dns.address],
    clock: systemClock,
    random: () => 0.5,
    times: { try: 1000, all: 1000 },
  })
})
afterEach(() => dns.stop())

const places = async (domain = 'a.test') =>
  (await resolver.targets(domain)).list.map(({ host, port, direct }) => `${host}:${port}${direct ? ' direct' : ''}`)
const failure = (question: Promise<unknown>) =>
  question.then(
    answer => expect(answer).toBe('no answer'),
    (error: DnsError) => error,
  ) as Promise<DnsError>

describe('RFC 6120 § 3.2.1, XEP-0368 § 3: SRV records', () => {
  test('of both services are one list, by priority', async () => {
    dns.srv(
      XMPP,
      { priority: 10, port: 5269, target: 'one.a.test' },
      { priority: 30, port: 5269, target: 'three.a.test' },
    )
    dns.srv(XMPPS, { priority: 20, port: 5270, target: 'two.a.test' })
    expect(await places()).toEqual(['one.a.test:5269', 'two.a.test:5270 direct', 'three.a.test:5269'])
    expect(dns.asked.map(each => each.type)).toEqual(['SRV', 'SRV'])
  })

  test('of both services are drawn by weight together', async () => {
    dns.srv(XMPP, { weight: 10, port: 5269, target: 'x.a.test' })
    dns.srv(XMPPS, { weight: 90, port: 443, target: 'x.a.test' })
    // Half of 100 falls on the heavier one.
    expect(await places()).toEqual(['x.a.test:443 direct', 'x.a.test:5269'])
  })

  test('of one service are enough', async () => {
    dns.srv(XMPPS, { port: 443, target: 'x.a.test' })
    expect(await places()).toEqual(['x.a.test:443 direct'])
  })

  test('are enough when the other service cannot be asked for', async () => {
    dns.srv(XMPP, { port: 5269, target: 'x.a.test' })
    dns.behaves(XMPPS, { rcode: 'SERVFAIL' })
    expect(await places()).toEqual(['x.a.test:5269'])
  })

  test('that say the same twice count once', async () => {
    dns.srv(XMPP, { port: 5269, target: 'x.a.test' }, { port: 5269, target: 'X.a.test' })
    expect(await places()).toEqual(['x.a.test:5269'])
  })

  test('a thousand of them make eight targets', async () => {
    dns.srv(XMPP, ...Array.from({ length: 1000 }, (_, index) => ({ port: 5269, target: `t${index}.test` })))
    expect(await places()).toHaveLength(8)
    expect(dns.asked.map(each => each.name).sort()).toEqual([XMPP, XMPP, XMPPS])
  })

  test.each([
    ['an address', { port: 5269, target: '192.0.2.1' }],
    ['port 0', { port: 0, target: 'x.a.test' }],
    ['no host name', { port: 5269, target: 'x y.a.test' }],
  ])('that name %s lead nowhere, and nowhere else either', async (_, record) => {
    dns.srv(XMPP, record)
    expect(await failure(resolver.targets('a.test'))).toMatchObject({ code: 'nodata' })
  })
})

describe('RFC 2782, XEP-0368 § 5: the target `.` says that a service is not here', () => {
  const none = { port: 0, target: '.' }

  test('of one service, so the other is used', async () => {
    dns.srv(XMPPS, none)
    dns.srv(XMPP, { port: 5269, target: 'x.a.test' })
    expect(await places()).toEqual(['x.a.test:5269'])
  })

  test.each([
    ['direct TLS', [XMPPS]],
    ['STARTTLS', [XMPP]],
    ['both', [XMPP, XMPPS]],
  ])('of %s, and without the other the domain itself is not tried', async (_, names) => {
    for (const name of names) dns.srv(name, none)
    dns.a('a.test', '192.0.2.1')
    expect(await failure(resolver.targets('a.test'))).toMatchObject({ code: 'declined' })
  })
})

describe('RFC 6120 § 3.2.2: without SRV records', () => {
  test('the domain itself, at 5269', async () => {
    const targets = await resolver.targets('a.test')
    expect(targets).toMatchObject({ domain: 'a.test', kind: 'fallback', secure: false })
    expect(await places()).toEqual(['a.test:5269'])
  })

  test('also when nobody answers', async () => {
    dns.behaves('*', { drop: true })
    expect(await places()).toEqual(['a.test:5269'])
  })

  test.each(['SERVFAIL', 'REFUSED'])(
    'but not when the server says %s, which may stand for a forged answer',
    async rcode => {
      dns.behaves(XMPP, { rcode })
      expect(await failure(resolver.targets('a.test'))).toBeInstanceOf(DnsError)
    },
  )

  test('a domain that leaves no room for the names of services is tried itself', async () => {
    const label = 'a'.repeat(60)
    const domain = [label, label, label, label, 'test'].join('.')
    expect(await places(domain)).toEqual([`${domain}:5269`])
    expect(dns.asked).toEqual([])
  })
})

describe('domains', () => {
  test('with other letters are asked for by their A-labels', async () => {
    dns.srv('_xmpp-server._tcp.xn--bcher-kva.test', { port: 5269, target: 'x.a.test' })
    expect(await places('bücher.test')).toEqual(['x.a.test:5269'])
    expect(dns.countOf('_xmpp-server._tcp.xn--bcher-kva.test')).toBe(1)
  })

  test.each([
    ['192.0.2.1', '192.0.2.1:5269'],
    ['[2001:db8::1]', '2001:db8::1:5269'],
  ])('that are an address, as %s, are not asked for at all', async (domain, place) => {
    expect(await resolver.targets(domain)).toMatchObject({ kind: 'address', secure: false })
    expect(await places(domain)).toEqual([place])
    expect(dns.asked).toEqual([])
  })

  test.each(['[192.0.2.1]', 'a..test', ''])('%j is none', async domain => {
    expect(await failure(resolver.targets(domain))).toMatchObject({ code: 'badname' })
  })
})

describe('RFC 7673 § 3.1: DNSSEC', () => {
  test('vouches for targets and for the whole list', async () => {
    dns.secure = true
    dns.srv(XMPP, { port: 5269, target: 'x.a.test' })
    expect(await resolver.targets('a.test')).toMatchObject({ secure: true, list: [{ secure: true }] })
  })

  test('vouches for some of them', async () => {
    dns.secure = true
    dns.srv(XMPP, { priority: 1, port: 5269, target: 'x.a.test' })
    dns.srv(XMPPS, { priority: 2, port: 5270, target: 'y.b.test' })
    dns.behaves(XMPPS, { secure: false })
    expect(await resolver.targets('a.test')).toMatchObject({
      secure: false,
      list: [{ secure: true }, { secure: false }],
    })
  })

  test('vouches for there being no records', async () => {
    dns.secure = true
    expect(await resolver.targets('a.test')).toMatchObject({ kind: 'fallback', secure: true, list: [{ secure: true }] })
  })
})

test('each step is told', async () => {
  const events: DiscoveryEvent[] = []
  dns.srv(XMPP, { port: 5269, target: 'x.a.test' })
  await resolver.targets('a.test', { observe: event => events.push(event) })
  expect(events).toMatchObject([
    { step: 'srv', name: XMPPS, direct: true, result: 'none', error: { code: 'nxdomain' } },
    { step: 'srv', name: XMPP, direct: false, result: 'found', records: [{ port: 5269, target: 'x.a.test' }] },
    { step: 'targets', kind: 'srv', list: [{ host: 'x.a.test', port: 5269 }] },
  ])
})
