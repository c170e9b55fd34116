import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { ConnectRules, type Fetcher, httpsFetcher, Resolver } from '@parley/net'
import { federationCommands } from '@parley/s2s'
import { Body, Message } from '@parley/stanza'
import { DnsServer } from '@parley/testkit'
import { el } from '@parley/xml'
import { type CommandRow, systemClock } from '@xmpp/server-core'
import { type Issued, issue } from '../../../packages/wire/test/issue.ts'
import { dialTls, dropAll, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'
import { honest, Rival } from './rival.ts'

const HEADER =
  '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback" from="b.test" to="a.test" version="1.0">'
const AUTH = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">${Buffer.from('b.test').toString('base64')}</auth>`

let folder: string
let authority: Issued
/** Signed by nobody but itself, and by the authority. */
let own: Issued
let good: Issued
let rival: Rival
let web: Server
let dns: DnsServer
let front: Front
/** What b.test says on its web server; undefined: it has no such document. */
let document: object | undefined
let isSilent: boolean
let asked: string[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-vouchers-'))
  authority = await issue({ subject: 'CN=authority' })
  own = await issue({ subject: 'CN=own', dns: 'whoever.test' })
  good = await issue({ dns: 'b.test', issuer: authority })
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  rival = await Rival.open()
  web = createServer({ cert: good.cert, key: good.key }, (request, response) => {
    asked.push(request.url!)
    if (isSilent) return
    response.writeHead(document ? 200 : 404).end(JSON.stringify(document ?? ''))
  })
  await new Promise<void>(resolve => void web.listen(0, '127.0.0.1', resolve))
})
// What was heard once is remembered: each play has a server of its own.
beforeEach(async () => {
  document = undefined
  isSilent = false
  asked = []
  rival.forget()
  rival.manner = honest
  rival.certificate = own
  dns = await DnsServer.start()
  dns.secure = true
  dns.srv('_xmpp-server._tcp.b.test', { port: rival.port, target: 'host.test' })
  dns.a('host.test', '127.0.0.1')
  dns.a('b.test', '127.0.0.1')
  front = await Front.open(
    {
      domains: ['a.test'],
      tls: { serverCa: join(folder, 'ca.pem') },
      federation: { dns: [dns.address], allow: ['127.0.0.0/8'] },
    },
    { fetch: throughPort() },
  )
})
afterEach(async () => {
  await dropAll()
  await front.close()
  await dns.stop()
})
afterAll(async () => {
  web.closeAllConnections()
  web.close()
  await rival.close()
  rmSync(folder, { recursive: true })
})

/** As the server itself fetches, but for the port: 443 is not ours. */
function throughPort(): Fetcher {
  const resolver = new Resolver({ servers: [dns.address], clock: systemClock })
  const rules = new ConnectRules({ allow: ['127.0.0.0/8'] })
  const fetch = httpsFetcher({ resolver, rules, clock: systemClock, ca: authority.cert })
  return (url, asking) => {
    const port = (web.address() as AddressInfo).port
    return fetch(new URL(url.pathname, `https://${url.hostname}:${port}`), asking)
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
const key = ({ x509 }: Issued) => Buffer.from(x509.publicKey.rawData)
const tlsaName = () => `_${rival.port}._tcp.host.test`
/** A TLSA record for the key of a certificate (selector 1), hashed. */
const record = (of: Issued, usage = 3) => ({ usage, selector: 1, matching: 1, data: sha256(key(of)) })
const posh = (of: Issued) => ({ fingerprints: [{ 'sha-256': sha256(of.der).toString('base64') }], expires: 3600 })
const demand = (profile: Record<string, 'required' | 'optional' | 'off'>) =>
  front.federation!.partners.set('b.test', { state: 'allowed', ...profile })

/** What an operator reads after `parley federation test b.test`. */
async function told(): Promise<{ text: string | undefined; lines: readonly string[] }> {
  const command = federationCommands(front.federation!).find(({ name }) => name === 'federation test')!
  const { text, rows = [] } = (await command.run({ domain: 'b.test' })) as {
    text?: string
    rows?: readonly CommandRow[]
  }
  return { text, lines: rows.map(({ step, result, detail }) => `${step}: ${result}, ${detail}`) }
}

describe('DANE, of a server that we connect to', () => {
  test('RFC 7673 § 4: the key of its TLSA record is proof enough, though nobody has signed it', async () => {
    dns.tlsa(tlsaName(), record(own))
    await demand({ sasl: 'required' })
    const { text, lines } = await told()
    expect(lines).toContain(`DNS TLSA ${tlsaName()}: 1 records, DNSSEC`)
    expect(lines).toContainEqual(
      expect.stringMatching(/^TLS: TLSv1.3 .*, its certificate is the one of its TLSA records \(DANE\)$/),
    )
    expect(text).toBe('b.test can be reached')
    expect(asked).toEqual([])
  })

  test('RFC 7671 § 4.1: another key than that of the record: neither an authority nor dialback helps', async () => {
    rival.certificate = good
    dns.tlsa(tlsaName(), record(own))
    expect((await told()).text).toBe(
      `b.test cannot be reached: its certificate is not the one of the TLSA records of ${tlsaName()}: they are out of date, or this is not its server`,
    )
    expect(rival.text).not.toContain('db:result')
  })

  test('what DNSSEC does not vouch for is as if it were not there', async () => {
    rival.certificate = good
    dns.tlsa(tlsaName(), record(own))
    for (const name of ['_xmpp-server._tcp.b.test', 'host.test', tlsaName()]) {
      dns.behaves(name, { secure: false })
      const { text, lines } = await told()
      expect(lines).toContainEqual(expect.stringMatching(/^TLS: TLSv1.3 .*, its certificate is good$/))
      expect(text).toBe('b.test can be reached')
      dns.behavesAgain(name)
      front.clock.advance(600_000)
    }
  })

  test('RFC 7673 § 3.3: where nobody can say whether there are records, the server is not used', async () => {
    rival.certificate = good
    dns.behaves(tlsaName(), { rcode: 'SERVFAIL' })
    expect((await told()).text).toMatch(
      /^b.test cannot be reached: DNS does not say whether host.test has TLSA records: /,
    )
    expect(rival.text).toBe('')
  })

  test('RFC 7671 § 2.1: a server with records, and without TLS, is none of that domain', async () => {
    rival.certificate = undefined
    dns.tlsa(tlsaName(), record(own))
    await demand({ tls: 'optional' })
    expect((await told()).text).toBe('b.test cannot be reached: it offers no TLS, which is required')
  })

  test.each([
    ['PKIX-EE: the key, and an authority', 1, 'good', true],
    ['PKIX-EE: the key without an authority', 1, 'own', false],
    ['DANE-EE: the key', 3, 'own', true],
    ['a usage that does not exist: other proofs decide', 9, 'good', true],
  ] as const)('RFC 6698 § 2.1.1: %s', async (_, usage, shown, isProven) => {
    rival.certificate = { own, good }[shown]
    dns.tlsa(tlsaName(), record({ own, good }[shown], usage))
    await demand({ sasl: 'required' })
    expect((await told()).text === 'b.test can be reached').toBe(isProven)
  })

  test('RFC 7671 § 5.2: DANE-TA: an authority of the domain’s own choosing, for the domain or for its server', async () => {
    const root = await issue({ subject: 'CN=root of b' })
    const chained = async (dnsName: string) => {
      const leaf = await issue({ subject: 'CN=leaf', dns: dnsName, issuer: root })
      return { ...leaf, cert: leaf.cert + root.cert }
    }
    dns.tlsa(tlsaName(), record(root, 2))
    await demand({ sasl: 'required' })
    for (const [name, isProven] of [
      ['b.test', true],
      ['host.test', true],
      ['other.test', false],
    ] as const) {
      rival.certificate = await chained(name)
      expect([name, (await told()).text === 'b.test can be reached']).toEqual([name, isProven])
    }
  })
})

describe('POSH, of a server that we connect to', () => {
  test('RFC 7711 § 3: the certificate that its web server names is proof enough', async () => {
    document = posh(own)
    await demand({ sasl: 'required' })
    const { text, lines } = await told()
    expect(lines).toContainEqual(
      expect.stringMatching(/^TLS: TLSv1.3 .*, its certificate is the one that its web server names \(POSH\)$/),
    )
    expect(text).toBe('b.test can be reached')
    expect(asked).toEqual(['/.well-known/posh/xmpp-server.json'])
  })

  test('another certificate than that is none', async () => {
    document = posh(authority)
    await demand({ sasl: 'required' })
    expect((await told()).text).toBe(
      'b.test cannot be reached: its certificate is self-signed: no authority vouches for it, and it is none of those that its web server names (POSH)',
    )
  })

  test('nobody asks a web server about a certificate that is good', async () => {
    rival.certificate = good
    expect((await told()).text).toBe('b.test can be reached')
    expect(asked).toEqual([])
  })
})

describe('of a server that connects to us', () => {
  /** Whoever shows `own` and says that it is b.test. */
  async function visitor(): Promise<Peer> {
    const options = { port: front.port('serverTls'), servername: 'a.test', ALPNProtocols: ['xmpp-server'] }
    const peer = await dialTls({ ...options, cert: own.cert, key: own.key })
    await peer.write(HEADER)
    return peer
  }
  const rows = async () => {
    const list = federationCommands(front.federation!).find(({ name }) => name === 'federation list')!
    return ((await list.run({})) as { rows: readonly CommandRow[] }).rows
  }

  test.each([
    [
      'RFC 7712: TLSA records of its domain name the certificate',
      'certificate (DANE)',
      () => dns.tlsa(tlsaName(), record(own)),
    ],
    [
      'RFC 7711 § 3: the web server of its domain names the certificate',
      'certificate (POSH)',
      () => {
        document = posh(own)
      },
    ],
  ])('%s', async (_, proof, prepare) => {
    prepare()
    const peer = await visitor()
    expect(await peer.until('</stream:features>')).toContain('<mechanism>EXTERNAL</mechanism>')
    await peer.write(AUTH)
    await peer.until('<success')
    await peer.write(HEADER)
    await peer.until('</stream:features>')
    expect(await rows()).toEqual([expect.objectContaining({ domain: 'b.test', direction: 'in', proof })])
    // Once for the stream, though it began twice.
    expect(asked.length).toBeLessThanOrEqual(1)
    await peer.write('<iq type="get" id="1" from="juliet@b.test/x" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    await front.until(() => rival.text.includes('type="result"'))
  })

  test('RFC 7712: dialback needs no question where TLSA records have said it', async () => {
    dns.tlsa(tlsaName(), record(own))
    const peer = await visitor()
    await peer.until('</stream:features>')
    await peer.write('<db:result from="b.test" to="a.test">abc</db:result>')
    await peer.until('type="valid"/>')
    expect(rival.text).not.toContain('db:verify')
  })

  test.each([
    [
      'records that DNSSEC does not vouch for',
      () => {
        dns.tlsa(tlsaName(), record(own))
        dns.behaves('host.test', { secure: false })
      },
    ],
    [
      'records of another key, whatever the web server says',
      () => {
        dns.tlsa(tlsaName(), record(good))
        document = posh(own)
      },
    ],
    ['no records, no document', () => {}],
    [
      'a document that names another certificate',
      () => {
        document = posh(good)
      },
    ],
  ])('threat 114: %s: the domain is asked by dialback', async (_, prepare) => {
    prepare()
    const peer = await visitor()
    const features = await peer.until('</stream:features>')
    expect(features).not.toContain('EXTERNAL')
    expect(features).toContain('urn:xmpp:features:dialback')
    await peer.write(AUTH)
    await peer.until('<not-authorized')
  })

  /** Somebody who shows `good` as b.test takes stanzas on their own stream; a message goes to b.test. */
  async function writtenTo(): Promise<Peer> {
    const options = { port: front.port('serverTls'), servername: 'a.test', ALPNProtocols: ['xmpp-server'] }
    const peer = await dialTls({ ...options, cert: good.cert, key: good.key })
    await peer.write(HEADER)
    await peer.until('</stream:features>')
    await peer.write('<bidi xmlns="urn:xmpp:bidi"/><db:result from="b.test" to="a.test">abc</db:result>')
    await peer.until('type="valid"/>')
    // When the name server has answered a question behind that about the records, it has answered that one too.
    await front.until(() => dns.countOf(tlsaName()) > 0)
    await new Resolver({ servers: [dns.address], clock: systemClock }).query('b.test', 'A')
    const head = { type: 'chat', from: Jid.parse('romeo@a.test/x'), to: Jid.parse('juliet@b.test'), id: 'm' } as const
    await front.server.router.route(new Message(head, Body.of([el('body', 'jabber:client', null, 'hi')])))
    return peer
  }

  test('threat 119: a domain with TLSA records is not answered on a stream that shows another key', async () => {
    dns.tlsa(tlsaName(), record(own))
    const peer = await writtenTo()
    await front.until(() => rival.text.includes('<message'))
    expect(peer.received).not.toContain('<message')
  })

  test('XEP-0288 § 2.2: it is answered on one that shows that key', async () => {
    dns.tlsa(tlsaName(), record(good))
    const peer = await writtenTo()
    await peer.until('<message')
    expect(rival.text).not.toContain('<message')
  })

  test('a web server that does not answer keeps a visitor waiting for five seconds, no longer', async () => {
    isSilent = true
    const peer = await visitor()
    await front.until(() => asked.length > 0)
    expect(peer.received).not.toContain('features')
    front.clock.advance(5000)
    expect(await peer.until('</stream:features>')).not.toContain('EXTERNAL')
  })

  test('a visitor that goes away meanwhile leaves nothing', async () => {
    isSilent = true
    const peer = await visitor()
    await front.until(() => asked.length > 0)
    peer.drop()
    await peer.closed
    front.clock.advance(61_000)
    await front.until(() => [...front.federation!.incoming].length === 0)
  })
})
