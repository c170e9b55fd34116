import { createSocket } from 'node:dgram'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { DnsServer, FakeClock } from '@parley/testkit'
import packet from 'dns-packet'
import { systemClock } from '../clock.ts'
import { DnsClient } from './client.ts'
import { DnsError } from './errors.ts'
import { Resolver, type ResolverOptions } from './resolver.ts'
import { nameServers } from './servers.ts'

let dns: DnsServer
let others: DnsServer[] = []
beforeEach(async () => {
  dns = await DnsServer.start()
})
afterEach(async () => {
  for (const each of [dns, ...others]) await each.stop()
  others = []
})

async function another(): Promise<DnsServer> {
  const server = await DnsServer.start()
  others.push(server)
  return server
}

const QUICK = { try: 500, all: 5000 }
const asking = (options: Partial<ResolverOptions> = {}) =>
  new Resolver({ servers: [dns.address], clock: systemClock, times: QUICK, ...options })
/** The error of a question that must not have an answer. */
const failure = (question: Promise<unknown>) =>
  question.then(
    answer => expect(answer).toBe('no answer'),
    (error: DnsError) => error,
  ) as Promise<DnsError>

describe('records', () => {
  test('of all four types', async () => {
    const data = Buffer.alloc(32, 7)
    dns.srv('_x._tcp.a.test', { priority: 3, weight: 4, port: 5, target: 'B.test' })
    dns.a('a.test', '192.0.2.1', '192.0.2.2')
    dns.aaaa('a.test', '2001:db8::1')
    dns.tlsa('_5269._tcp.a.test', { usage: 3, selector: 1, matching: 1, data })
    const resolver = asking()
    expect((await resolver.query('_x._tcp.a.test', 'SRV')).records).toEqual([
      { priority: 3, weight: 4, port: 5, target: 'b.test' },
    ])
    expect((await resolver.addresses('a.test', 4)).records).toEqual(['192.0.2.1', '192.0.2.2'])
    expect((await resolver.addresses('a.test', 6)).records).toEqual(['2001:db8::1'])
    expect((await resolver.query('_5269._tcp.a.test', 'TLSA')).records).toEqual([
      { usage: 3, selector: 1, matching: 1, data },
    ])
  })

  test('that do not fit come over TCP', async () => {
    dns.a('a.test', '192.0.2.1')
    dns.behaves('a.test', { truncate: true })
    expect((await asking().addresses('a.test', 4)).records).toEqual(['192.0.2.1'])
    expect(dns.asked.map(each => each.over)).toEqual(['udp', 'tcp'])
  })

  test('are found behind aliases', async () => {
    dns.cname('a.test', 'b.test')
    dns.cname('b.test', 'c.test')
    dns.a('c.test', '192.0.2.3')
    expect(await asking().addresses('a.test', 4)).toMatchObject({ name: 'c.test', records: ['192.0.2.3'] })
    expect(dns.asked).toHaveLength(1)
  })

  test('are asked for where a server names only the alias', async () => {
    dns.cname('a.test', 'b.test')
    dns.a('b.test', '192.0.2.3')
    // What a server says that has one zone and does not ask others.
    const write = (reply: Buffer) => {
      const whole = packet.decode(reply)
      return [
        packet.encode({ ...whole, answers: whole.answers!.filter(each => each.type === 'CNAME'), authorities: [] }),
      ]
    }
    dns.behaves('a.test', { write })
    expect(await asking().addresses('a.test', 4)).toMatchObject({ name: 'b.test', records: ['192.0.2.3'] })
    expect(dns.asked.map(each => each.name)).toEqual(['a.test', 'b.test'])
  })

  test('behind aliases that go round in a circle are not there', async () => {
    dns.cname('a.test', 'b.test')
    dns.cname('b.test', 'a.test')
    expect(await failure(asking().addresses('a.test', 4))).toMatchObject({ code: 'servfail' })
    expect(dns.asked).toHaveLength(1)
  })
})

describe('what is not there', () => {
  test.each([
    ['a name', 'b.test', 'nxdomain'],
    ['a record', 'a.test', 'nodata'],
    ['a name with an empty label', 'a..test', 'badname'],
    ['a name with a long label', `${'a'.repeat(64)}.test`, 'badname'],
  ])('%s', async (_, name, code) => {
    dns.aaaa('a.test', '2001:db8::1')
    expect(await failure(asking().addresses(name, 4))).toMatchObject({ code, secure: false })
  })

  test.each([
    ['SERVFAIL', 'servfail'],
    ['REFUSED', 'refused'],
  ])('because the server says %s', async (rcode, code) => {
    dns.behaves('*', { rcode })
    expect(await failure(asking().addresses('a.test', 4))).toMatchObject({ code })
    expect(dns.asked).toHaveLength(2)
  })

  test('because nobody answers, after the time for all', async () => {
    dns.behaves('*', { drop: true })
    const from = performance.now()
    expect(await failure(asking({ times: { try: 4000, all: 100 } }).addresses('a.test', 4))).toMatchObject({
      code: 'timeout',
    })
    expect(performance.now() - from).toBeLessThan(4000)
  })

  test('because there is nobody to ask', async () => {
    expect(await failure(asking({ servers: [] }).addresses('a.test', 4))).toMatchObject({ code: 'timeout' })
  })
})

describe('servers', () => {
  test('the next one is asked when the first is silent', async () => {
    const second = await another()
    dns.behaves('*', { drop: true })
    second.a('a.test', '192.0.2.1')
    const { records } = await asking({ servers: [dns.address, second.address] }).addresses('a.test', 4)
    expect(records).toEqual(['192.0.2.1'])
    expect(dns.asked).toHaveLength(1)
  })

  test('the next one is asked when nothing listens at the first', async () => {
    const gone = await DnsServer.start()
    await gone.stop()
    dns.a('a.test', '192.0.2.1')
    const { records } = await asking({ servers: [gone.address, dns.address] }).addresses('a.test', 4)
    expect(records).toEqual(['192.0.2.1'])
  })

  test('one that validates and fails may mean a forged answer: one that does not is not asked then', async () => {
    const second = await another()
    dns.behaves('*', { rcode: 'SERVFAIL' })
    second.a('a.test', '192.0.2.66')
    const [first, plain] = nameServers([dns.address, second.address], [])
    const ask = (isTrusted: boolean) =>
      new DnsClient({
        servers: [
          { ...first!, isTrusted },
          { ...plain!, isTrusted: false },
        ],
        clock: systemClock,
        times: QUICK,
      }).query('a.test', 'A')
    expect(await failure(ask(true))).toMatchObject({ code: 'servfail' })
    expect(second.asked).toEqual([])
    expect((await ask(false)).records).toEqual(['192.0.2.66'])
  })

  test('what they do not understand is asked without EDNS0 (RFC 6891 §7)', async () => {
    dns.a('a.test', '192.0.2.1')
    const write = (reply: Buffer, asked: packet.DecodedPacket) => {
      if (asked.additionals?.length === 0) return [reply]
      return [packet.encode({ type: 'response', id: asked.id ?? 0, flags: 1, questions: asked.questions ?? [] })]
    }
    dns.behaves('*', { write })
    expect((await asking().addresses('a.test', 4)).records).toEqual(['192.0.2.1'])
  })

  test.each(['', 'ns.test', '192.0.2.256', '[::1', '192.0.2.1:x'])('%j is none', server => {
    expect(() => asking({ servers: [server] })).toThrow(TypeError)
  })
})

describe('forged answers', () => {
  test('with another id are not heard', async () => {
    dns.a('a.test', '192.0.2.1')
    const forged = packet.encode({
      type: 'response',
      questions: [{ type: 'A', name: 'a.test', class: 'IN' }],
      answers: [{ type: 'A', name: 'a.test', data: '192.0.2.66', ttl: 60, class: 'IN' }],
    })
    const write = (reply: Buffer) => {
      forged.writeUInt16BE(reply.readUInt16BE(0) ^ 1, 0)
      return [forged, reply]
    }
    dns.behaves('*', { write })
    expect((await asking().addresses('a.test', 4)).records).toEqual(['192.0.2.1'])
  })

  test('from another port are not heard, were they right otherwise', async () => {
    dns.a('a.test', '192.0.2.1')
    const stranger = createSocket('udp4')
    const write = (reply: Buffer, asked: packet.DecodedPacket, from: { port: number }) => {
      const answer: packet.Answer = { type: 'A', name: 'a.test', data: '192.0.2.66', ttl: 60, class: 'IN' }
      const forged: packet.Packet = {
        type: 'response',
        id: asked.id ?? 0,
        questions: asked.questions ?? [],
        answers: [answer],
      }
      stranger.send(packet.encode(forged), from.port, '127.0.0.1')
      return [reply]
    }
    // The stranger saw the question, and is faster.
    dns.behaves('*', { delay: 30, write })
    expect((await asking().addresses('a.test', 4)).records).toEqual(['192.0.2.1'])
    stranger.close()
  })

  test('cannot be made ahead: each question has another id and port', async () => {
    const ids = new Set<number>()
    const ports = new Set<number>()
    const write = (reply: Buffer, _: unknown, from: { port: number }) => {
      ids.add(reply.readUInt16BE(0))
      ports.add(from.port)
      return [reply]
    }
    dns.behaves('*', { write })
    const resolver = asking()
    await Promise.all(Array.from({ length: 40 }, (_, index) => failure(resolver.addresses(`a${index}.test`, 4))))
    expect(ids.size).toBeGreaterThan(35)
    expect(ports.size).toBeGreaterThan(35)
  })

  test('that are noise end in an error of ours, or in none', async () => {
    let round = 0
    dns.a('a.test', '192.0.2.1')
    dns.behaves('*', {
      write: reply => {
        const noise = Buffer.from(reply)
        for (let index = 12; index < noise.length; index++)
          if ((index * 7 + round) % 5 === 0) noise[index] = noise[index]! ^ round
        return [noise.subarray(0, noise.length - (round % 9))]
      },
    })
    const resolver = asking({ times: { try: 10, all: 20 } })
    for (round = 1; round < 60; round++) {
      const outcome = await resolver.query(`a${round}.test`, 'A').catch((error: unknown) => error)
      expect(outcome instanceof DnsError || Array.isArray((outcome as { records: unknown }).records)).toBe(true)
    }
  })
})

describe('what is known', () => {
  test('is not asked for again before its time is over', async () => {
    const clock = new FakeClock()
    dns.a('a.test', '192.0.2.1')
    const resolver = asking({ clock })
    await resolver.addresses('a.test', 4)
    clock.advance(59_000)
    await resolver.addresses('a.test', 4)
    expect(dns.asked).toHaveLength(1)
    clock.advance(2000)
    await resolver.addresses('a.test', 4)
    expect(dns.asked).toHaveLength(2)
  })

  test('are denials too', async () => {
    const clock = new FakeClock()
    const resolver = asking({ clock })
    await failure(resolver.addresses('a.test', 4))
    clock.advance(59_000)
    expect(await failure(resolver.addresses('a.test', 4))).toMatchObject({ code: 'nxdomain' })
    expect(dns.asked).toHaveLength(1)
  })

  test.each([
    [0, 4000, 1],
    [0, 6000, 2],
    [4_000_000_000, 6000, 2],
    [1_000_000, 3_599_000, 1],
    [1_000_000, 3_601_000, 2],
  ])('a TTL of %d seconds, after %d ms: asked %d times', async (ttl, ms, times) => {
    const clock = new FakeClock()
    dns.ttl = ttl
    dns.a('a.test', '192.0.2.1')
    const resolver = asking({ clock })
    await resolver.addresses('a.test', 4)
    clock.advance(ms)
    await resolver.addresses('a.test', 4)
    expect(dns.asked).toHaveLength(times)
  })

  test('who asks the same at the same time waits for the same answer', async () => {
    dns.a('a.test', '192.0.2.1')
    const resolver = asking()
    const answers = await Promise.all(Array.from({ length: 50 }, () => resolver.addresses('a.test', 4)))
    expect(answers.every(answer => answer === answers[0])).toBe(true)
    expect(dns.asked).toHaveLength(1)
  })

  test('who does not want to wait any more leaves the answer to the others', async () => {
    dns.a('a.test', '192.0.2.1')
    dns.behaves('*', { delay: 20 })
    const resolver = asking()
    const control = new AbortController()
    const first = resolver.addresses('a.test', 4, { signal: control.signal })
    const second = resolver.addresses('a.test', 4)
    control.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    expect((await second).records).toEqual(['192.0.2.1'])
  })
})

describe('DNSSEC', () => {
  test.each([
    ['127.0.0.1', [], true],
    ['127.0.0.53', [], true],
    ['[::1]:5353', [], true],
    // Docker's, which hands on what anybody told it.
    ['127.0.0.11', [], false],
    ['127.0.0.11', ['127.0.0.11'], true],
    ['192.0.2.53', [], false],
    ['192.0.2.53:53', ['192.0.2.0/24'], true],
    ['2001:db8::53', ['192.0.2.0/24'], false],
  ])('the word of %s, where %j are trusted, is believed: %s', (server, trusted, isTrusted) => {
    expect(nameServers([server], trusted)).toMatchObject([{ isTrusted }])
  })

  test('what a server on this machine says of it is believed', async () => {
    dns.secure = true
    dns.a('a.test', '192.0.2.1')
    const resolver = asking()
    expect((await resolver.addresses('a.test', 4)).secure).toBe(true)
    expect(await failure(resolver.addresses('a.test', 6))).toMatchObject({ code: 'nodata', secure: true })
  })

  test.each([
    ['a.test', 'b.test'],
    ['b.test', 'a.test'],
  ])('every alias on the way counts: %s is not authenticated, %s is', async plain => {
    dns.secure = true
    dns.cname('a.test', 'b.test')
    dns.a('b.test', '192.0.2.3')
    const write = (reply: Buffer) => {
      const whole = packet.decode(reply)
      return [
        packet.encode({ ...whole, answers: whole.answers!.filter(each => each.name === 'a.test'), authorities: [] }),
      ]
    }
    dns.behaves('a.test', { write })
    dns.behaves(plain, plain === 'a.test' ? { write, secure: false } : { secure: false })
    expect(await asking().addresses('a.test', 4)).toMatchObject({ name: 'b.test', secure: false })
  })
})
