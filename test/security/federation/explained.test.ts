import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Federation, federationCommands } from '@parley/s2s'
import { DnsServer } from '@parley/testkit'
import type { CommandRow } from '@xmpp/server-core'
import { type Issued, issue } from '../../../packages/wire/test/issue.ts'
import { Front } from '../wire/front.ts'
import { honest, type Manner, Rival } from './rival.ts'

let dns: DnsServer
let rival: Rival
let front: Front
let folder: string
let authority: Issued

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-explained-'))
  authority = await issue({ subject: 'CN=authority' })
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  dns = await DnsServer.start()
  rival = await Rival.open()
  dns.srv('_xmpp-server._tcp.b.test', { port: rival.port, target: 'host.test' })
  dns.a('host.test', '127.0.0.1')
  front = await Front.open({
    domains: ['a.test'],
    tls: { serverCa: join(folder, 'ca.pem') },
    federation: { dns: [dns.address], allow: ['127.0.0.0/8'] },
  })
})
beforeEach(() => {
  rival.forget()
  rival.manner = honest
  rival.certificate = undefined
  rival.isSilent = false
})
afterEach(async () => {
  for (const domain of front.federation!.partners.records.keys()) await front.federation!.partners.remove(domain)
})
afterAll(async () => {
  await front.close()
  await rival.close()
  await dns.stop()
  rmSync(folder, { recursive: true })
})

interface Account {
  readonly text: string | undefined
  /** `step: result, detail`, as the rows stand below each other. */
  readonly lines: readonly string[]
}

/** What an operator reads after `parley federation test`. */
async function told(domain: string, meanwhile: () => Promise<void> = async () => {}): Promise<Account> {
  begun.length = 0
  const command = federationCommands(watched(front.federation!)).find(({ name }) => name === 'federation test')!
  const running = command.run({ domain })
  await meanwhile()
  const { text, rows = [] } = (await running) as { text?: string; rows?: readonly CommandRow[] }
  return { text, lines: rows.map(({ step, result, detail }) => `${step}: ${result}, ${detail}`) }
}

/** Steps as they happen. */
const begun: { readonly step: string; readonly result?: string }[] = []

function watched(federation: Federation): Federation {
  const test: Federation['test'] = (domain, observe) =>
    federation.test(domain, step => {
      begun.push(step)
      observe(step)
    })
  return new Proxy(federation, {
    get: (target, key) => (key === 'test' ? test : target[key as keyof Federation]),
  })
}

const demand = (profile: Record<string, 'required' | 'optional' | 'off'>) =>
  front.federation!.partners.set('b.test', { state: 'allowed', ...profile })
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

describe('no way there', () => {
  test('no SRV record, and no address', async () => {
    const { text, lines } = await told('nowhere.test')
    expect(lines).toContain(
      'DNS SRV _xmpp-server._tcp.nowhere.test: no such record, _xmpp-server._tcp.nowhere.test does not exist',
    )
    expect(lines).toContain('where to connect: fallback, nowhere.test:5269')
    expect(lines).toContain('DNS A nowhere.test: nothing, nowhere.test does not exist')
    expect(text).toBe(
      'nowhere.test cannot be reached: DNS has no addresses for nowhere.test, and no SRV record _xmpp-server._tcp.nowhere.test that names another host',
    )
  })

  test('RFC 2782: an SRV record that says "."', async () => {
    dns.srv('_xmpp-server._tcp.declined.test', { port: 0, target: '.' })
    const { text, lines } = await told('declined.test')
    expect(lines).toContain(
      'DNS SRV _xmpp-server._tcp.declined.test: declined, the record says ".": this service is not offered',
    )
    expect(text).toBe('declined.test cannot be reached: declined.test says that it has no XMPP server')
  })

  test('nobody listens there', async () => {
    dns.srv('_xmpp-server._tcp.away.test', { port: 1025, target: 'host.test' })
    const { text, lines } = await told('away.test')
    const why = '127.0.0.1 refuses connections (ECONNREFUSED): no server listens there'
    expect(lines).toContain(`connect to 127.0.0.1:1025: failed, ${why}`)
    expect(text).toBe(`away.test cannot be reached: host.test:1025: ${why}`)
  })

  test('connections are not answered', async () => {
    const hole = await Hole.dig()
    dns.srv('_xmpp-server._tcp.hole.test', { port: hole.port, target: 'host.test' })
    try {
      const { text, lines } = await told('hole.test', async () => {
        await front.until(() => begun.some(({ step, result }) => step === 'tcp' && result === 'started'))
        front.clock.advance(15_000)
      })
      expect(lines).toContain(`connect to 127.0.0.1:${hole.port}: given up, no answer in 15000 ms`)
      expect(text).toBe(
        `hole.test cannot be reached: host.test:${hole.port}: no answer in time: nothing is there, or a firewall lets nothing through`,
      )
    } finally {
      await hole.fill()
    }
  })

  test('a server that takes connections, and says nothing', async () => {
    rival.isSilent = true
    const { text, lines } = await told('b.test', async () => {
      await front.until(() => rival.text.includes('<stream:stream'))
      front.clock.advance(30_000)
    })
    expect(lines.at(-1)).toMatch(/^connect to 127.0.0.1:\d+: connected/)
    expect(text).toBe('b.test cannot be reached: it did not answer in time: it says nothing: no stream header')
  })
})

describe('what it shows', () => {
  const certificates: [string, () => Promise<Issued>, string][] = [
    [
      'a certificate that has expired',
      () => issue({ dns: 'b.test', issuer: authority, from: -10, until: -3 }),
      `its certificate expired on ${day(-3)}`,
    ],
    [
      'a certificate of tomorrow',
      () => issue({ dns: 'b.test', issuer: authority, from: 3, until: 10 }),
      `its certificate is not valid before ${day(3)}`,
    ],
    [
      'a certificate of another host',
      () => issue({ dns: 'other.test', issuer: authority }),
      'its certificate is for other.test, not for b.test',
    ],
    [
      'a certificate that it has signed itself',
      () => issue({ subject: 'CN=b.test', dns: 'b.test' }),
      'its certificate is self-signed: no authority vouches for it',
    ],
    [
      'a certificate of an authority that nobody knows',
      async () => issue({ dns: 'b.test', issuer: await issue({ subject: 'CN=stranger' }) }),
      'its certificate comes from an authority that is not trusted here, or it does not show those in between',
    ],
  ]

  test.each(certificates)('%s', async (_, made, why) => {
    rival.certificate = await made()
    await demand({ sasl: 'required' })
    const { text, lines } = await told('b.test')
    expect(lines.at(-1)).toMatch(new RegExp(`^TLS: TLSv1.3 TLS_AES_\\S+, ${why}$`))
    expect(text).toBe(`b.test cannot be reached: ${why}`)
  })

  test.each(certificates)('%s: where dialback is allowed it is a remark', async (_, made, why) => {
    rival.certificate = await made()
    const { text, lines } = await told('b.test')
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^TLS: TLSv1.3 .*, ${why}$`)))
    expect(lines.at(-1)).toBe('our proof by dialback: valid, ')
    expect(text).toBe('b.test can be reached')
  })

  test('no TLS', async () => {
    const { text, lines } = await told('b.test')
    expect(lines.at(-1)).toBe('features: dialback, ')
    expect(text).toBe('b.test cannot be reached: it offers no TLS, which is required')
  })

  test('of two servers the one that came further is told of, whichever was asked last', async () => {
    dns.srv(
      '_xmpp-server._tcp.two.test',
      { port: rival.port, target: 'host.test', priority: 1 },
      { port: 1025, target: 'host.test', priority: 2 },
    )
    expect((await told('two.test')).text).toBe('two.test cannot be reached: it offers no TLS, which is required')
  })
})

describe('what it thinks of us', () => {
  const dialback =
    (verdict: string): Manner =>
    (text, socket) => {
      if (text.includes('<db:result')) socket.write(`<db:result from="b.test" to="a.test" ${verdict}`)
    }
  const error = (condition: string) =>
    `type="error"><error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></db:result>`
  const asked = 'it asked the server that its DNS names for a.test'

  test.each([
    ['type="invalid"/>', 'invalid', `invalid: ${asked}, and that one did not know our key`],
    [
      error('remote-connection-failed'),
      'remote-connection-failed',
      `remote-connection-failed: ${asked}, and could not; look at the SRV records of a.test, and at the way to them`,
    ],
    [error('item-not-found'), 'item-not-found', 'item-not-found: b.test is not there'],
    [error('forbidden'), 'forbidden', 'forbidden: it does not want to speak with a.test, or not in this way'],
  ])('dialback: %s', async (verdict, result, why) => {
    rival.certificate = await issue({ dns: 'b.test', issuer: authority })
    rival.manner = dialback(verdict)
    const { text, lines } = await told('b.test')
    expect(lines.at(-1)).toBe(`our proof by dialback: ${result}, `)
    expect(text).toBe(`b.test cannot be reached: it does not take our proof by dialback: ${why}`)
  })

  test('neither our certificate nor dialback', async () => {
    rival.certificate = await issue({ dns: 'b.test', issuer: authority })
    rival.features = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>EXTERNAL</mechanism></mechanisms>'
    rival.manner = (text, socket) => {
      if (text.includes('<auth'))
        socket.write('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>')
      if (text.includes('<db:result'))
        socket.write(
          '<stream:error><unsupported-stanza-type xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>',
        )
    }
    const { text, lines } = await told('b.test')
    // The reason for it is on our side, and is told first.
    expect(lines[0]).toMatch(/^our certificate for a.test: warning, it is self-signed/)
    expect(lines).toContain('our proof by certificate: not-authorized, ')
    expect(text).toBe(
      'b.test cannot be reached: it takes neither our certificate (not-authorized) nor dialback: it says unsupported-stanza-type',
    )
    rival.features = '<dialback xmlns="urn:xmpp:features:dialback"/>'
  })

  test('it blocks us', async () => {
    rival.manner = (text, socket) => {
      if (text.includes('<stream:stream'))
        socket.end(
          '<stream:error><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-streams"/><text xmlns="urn:ietf:params:xml:ns:xmpp-streams">Not with you</text></stream:error></stream:stream>',
        )
    }
    await demand({ tls: 'optional' })
    expect((await told('b.test')).text).toBe('b.test cannot be reached: it says policy-violation: Not with you')
  })
})

describe('what we think of it', () => {
  test('a domain that is blocked here, and one below it', async () => {
    await front.federation!.partners.set('b.test', { state: 'blocked', comment: 'spam' })
    const { text, lines } = await told('sub.b.test')
    expect(lines).toEqual([])
    expect(text).toBe(
      'sub.b.test cannot be reached: it is blocked by the record of b.test (spam): parley federation forget b.test, or allow sub.b.test',
    )
  })

  test('everything is good', async () => {
    rival.certificate = await issue({ dns: 'b.test', issuer: authority })
    const { text, lines } = await told('b.test')
    expect(lines).toContainEqual(expect.stringMatching(/^TLS: TLSv1.3 .*, its certificate is good$/))
    expect(text).toBe('b.test can be reached')
  })
})

/** A port on which the system answers some connections, and lets all others wait: nobody takes them. */
class Hole {
  readonly port: number
  readonly #worker: Worker
  readonly #plugs: readonly Socket[]

  private constructor(port: number, worker: Worker, plugs: readonly Socket[]) {
    this.port = port
    this.#worker = worker
    this.#plugs = plugs
  }

  static async dig(): Promise<Hole> {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads')
       const server = require('node:net').createServer()
       server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
         parentPort.postMessage(server.address())
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
       })`,
      { eval: true },
    )
    const { port } = await new Promise<AddressInfo>(resolve => worker.once('message', resolve))
    const plugs = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    // One more than it was told, as Linux counts.
    let taken = 0
    await new Promise<void>(resolve => {
      for (const plug of plugs) plug.once('connect', () => ++taken === 2 && resolve())
    })
    return new Hole(port, worker, plugs)
  }

  async fill(): Promise<void> {
    for (const plug of this.#plugs) plug.destroy()
    await this.#worker.terminate()
  }
}
