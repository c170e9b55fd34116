import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { der, generalNames, type Issued, issue, xmppAddr } from '../../../packages/wire/test/issue.ts'
import { dialTls, dropAll } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'

const HEADER =
  '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" from="b.test" to="a.test" version="1.0">'
const DNS_SRV = Buffer.from('06082b06010505070807', 'hex')
const srvName = (name: string) => der(0xa0, DNS_SRV, der(0xa0, der(0x16, name)))
const dnsName = (name: string) => der(0x82, name)

let front: Front
let folder: string
let authority: Issued
let stranger: Issued

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-authority-'))
  authority = await issue({ subject: 'CN=authority' })
  stranger = await issue({ subject: 'CN=stranger' })
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  front = await Front.open({ domains: ['a.test'], tls: { serverCa: join(folder, 'ca.pem') } })
})
afterEach(() => dropAll())
afterAll(async () => {
  await front.close()
  rmSync(folder, { recursive: true })
})

/** What a server that shows such a certificate is offered. */
async function offered(certificate: Issued | undefined): Promise<string> {
  const pair = certificate && { cert: certificate.cert, key: certificate.key }
  const peer = await dialTls({
    port: front.port('serverTls'),
    servername: 'a.test',
    ALPNProtocols: ['xmpp-server'],
    ...pair,
  })
  await peer.write(HEADER)
  return peer.until('</stream:features>')
}

const named = (...names: Buffer[]) => issue({ names: generalNames(...names), issuer: authority })

test.each([
  ['its DNS name', () => named(dnsName('b.test'))],
  ['its SRV name', () => named(srvName('_xmpp-server.b.test'))],
  ['its XMPP address', () => named(xmppAddr('b.test'))],
  [
    'its name, for servers only',
    () => issue({ names: generalNames(dnsName('b.test')), issuer: authority, purposes: ['serverAuth'] }),
  ],
  ['one of several names', () => named(dnsName('other.test'), dnsName('B.TEST'))],
])('XEP-0178 § 3: a certificate with %s is a proof', async (_, made) => {
  expect(await offered(await made())).toContain('<mechanism>EXTERNAL</mechanism>')
})

test.each([
  ['no certificate', async () => undefined],
  ['one of an authority that is not known', () => issue({ names: generalNames(dnsName('b.test')), issuer: stranger })],
  ['one that it has signed itself', () => issue({ names: generalNames(dnsName('b.test')) })],
  [
    'one for clients only',
    () => issue({ names: generalNames(dnsName('b.test')), issuer: authority, purposes: ['clientAuth'] }),
  ],
  [
    'one for servers only of an authority that is not known',
    () => issue({ names: generalNames(dnsName('b.test')), issuer: stranger, purposes: ['serverAuth'] }),
  ],
  [
    'one for servers only of another domain',
    () => issue({ names: generalNames(dnsName('other.test')), issuer: authority, purposes: ['serverAuth'] }),
  ],
  [
    'one for servers only that has expired',
    () =>
      issue({
        names: generalNames(dnsName('b.test')),
        issuer: authority,
        purposes: ['serverAuth'],
        from: -9,
        until: -2,
      }),
  ],
  ['one of another domain', () => named(dnsName('other.test'))],
  ['one of a domain below', () => named(dnsName('sub.b.test'))],
  ['a wildcard for the domain itself', () => named(dnsName('*.b.test'))],
  ['a wildcard that is part of a label', () => named(dnsName('b*.test'))],
  ['a wildcard for a whole top-level domain', () => named(dnsName('*.test'))],
  ['the name of another service', () => named(srvName('_xmpp-client.b.test'))],
  ['the address of a user', () => named(xmppAddr('juliet@b.test'))],
  ['a name with a zero in it', () => named(dnsName('b.test\0.other.test'))],
  ['a common name', () => issue({ subject: 'CN=b.test', names: generalNames(dnsName('x.test')), issuer: authority })],
])('threat 114: %s proves nothing', async (_, made) => {
  const features = await offered(await made())
  expect(features).not.toContain('EXTERNAL')
  // The domain itself may still be asked.
  expect(features).toContain('urn:xmpp:features:dialback')
})

test('where dialback is required a certificate alone is no proof', async () => {
  const { partners } = front.federation!
  await partners.set('b.test', { state: 'allowed', dialback: 'required' })
  expect(await offered(await named(dnsName('b.test')))).not.toContain('EXTERNAL')
  await partners.remove('b.test')
  expect(await offered(await named(dnsName('b.test')))).toContain('EXTERNAL')
})

test('where both are required the domain is not even asked without a certificate', async () => {
  const { partners } = front.federation!
  await partners.set('b.test', { state: 'allowed', dialback: 'required', sasl: 'required' })
  const peer = await dialTls({ port: front.port('serverTls'), servername: 'a.test', ALPNProtocols: ['xmpp-server'] })
  await peer.write(HEADER)
  await peer.until('</stream:features>')
  await peer.write('<db:result xmlns:db="jabber:server:dialback" from="b.test" to="a.test">abc</db:result>')
  expect(await peer.until('</db:result>')).toContain('<policy-violation')
  await partners.remove('b.test')
})
