import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { DnsServer } from '@parley/testkit'
import { systemClock } from '../clock.ts'
import type { DiscoveryEvent } from '../discovery.ts'
import { Resolver } from './resolver.ts'
import type { Target } from './targets.ts'

const HOST = 'xmpp.a.test'
const NAME = `_5269._tcp.${HOST}`
const RECORD = { usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32, 9) }
const target: Target = { host: HOST, port: 5269, direct: false, priority: 0, weight: 0, secure: true }

let dns: DnsServer
let resolver: Resolver
const asking = (times: { try: number; all: number }) =>
  new Resolver({ servers: [dns.address], clock: systemClock, times })
beforeEach(async () => {
  dns = await DnsServer.start()
  dns.secure = true
  dns.a(HOST, '192.0.2.1')
  dns.tlsa(NAME, RECORD)
  resolver = asking({ try: 2000, all: 4000 })
})
afterEach(() => dns.stop())

describe('RFC 7673 § 3: TLSA records of a target', () => {
  test('are those of its host and port', async () => {
    expect(await resolver.tlsa(target)).toEqual([RECORD])
    expect(await resolver.tlsa({ ...target, port: 5270 })).toEqual([])
  })

  test('do not count when the target itself is not authenticated: nobody even asks', async () => {
    expect(await resolver.tlsa({ ...target, secure: false })).toEqual([])
    expect(await resolver.tlsa({ ...target, host: '192.0.2.1' })).toEqual([])
    expect(dns.asked).toEqual([])
  })

  test('do not count when its addresses are not', async () => {
    dns.behaves(HOST, { secure: false }, 'A')
    expect(await resolver.tlsa(target)).toEqual([])
    expect(dns.countOf(NAME)).toBe(0)
  })

  test('do not count when they are not authenticated themselves', async () => {
    dns.behaves(NAME, { secure: false })
    expect(await resolver.tlsa(target)).toEqual([])
  })

  test.each([
    ['fails', { rcode: 'SERVFAIL' }, 'servfail'],
    ['refuses', { rcode: 'REFUSED' }, 'refused'],
  ])('are not taken for absent when the server %s: that would switch DANE off', async (_, behaviour, code) => {
    dns.behaves(NAME, behaviour)
    await expect(resolver.tlsa(target)).rejects.toMatchObject({ code })
  })

  test('are not taken for absent when the server is silent', async () => {
    dns.behaves(NAME, { drop: true })
    await expect(asking({ try: 100, all: 150 }).tlsa(target)).rejects.toMatchObject({ code: 'timeout' })
  })

  test('are not taken for absent when no address can be had', async () => {
    dns.behaves(HOST, { rcode: 'SERVFAIL' })
    await expect(resolver.tlsa(target)).rejects.toMatchObject({ code: 'servfail' })
  })

  test('RFC 7671 § 7: behind an alias they stand at its end, else at the name itself', async () => {
    dns.cname('alias.a.test', HOST)
    expect(await resolver.tlsa({ ...target, host: 'alias.a.test' })).toEqual([RECORD])
    const own = { ...RECORD, data: Buffer.alloc(32, 8) }
    dns.cname('other.a.test', 'plain.a.test')
    dns.a('plain.a.test', '192.0.2.2')
    dns.tlsa('_5269._tcp.other.a.test', own)
    expect(await resolver.tlsa({ ...target, host: 'other.a.test' })).toEqual([own])
  })

  test('are told', async () => {
    const events: DiscoveryEvent[] = []
    await resolver.tlsa(target, { observe: event => events.push(event) })
    expect(events).toEqual([{ step: 'tlsa', name: NAME, records: [RECORD], secure: true }])
  })
})
