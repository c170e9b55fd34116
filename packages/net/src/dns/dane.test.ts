import 'reflect-metadata'
import { createHash, webcrypto, X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as x509 from '@peculiar/x509'
import { checkDane } from './dane.ts'
import type { TlsaRecord } from './records.ts'

const DAY = 86_400_000
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

interface Issued {
  readonly der: Buffer
  readonly name: string
  readonly key: webcrypto.CryptoKey
}

/** A certificate, self-signed unless somebody issues it. */
async function issue(
  name: string,
  { issuer, isCa = true, ends = DAY }: { issuer?: Issued; isCa?: boolean; ends?: number } = {},
) {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${name}`,
      issuer: `CN=${issuer?.name ?? name}`,
      publicKey: keys.publicKey,
      signingKey: issuer?.key ?? keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 2 * DAY),
      notAfter: new Date(Date.now() + ends),
      extensions: [new x509.BasicConstraintsExtension(isCa, undefined, true)],
    },
    webcrypto,
  )
  return { der: Buffer.from(certificate.rawData), name, key: keys.privateKey }
}

const spkiOf = (der: Buffer) => new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })
const hash = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest()
/** What a record says of a certificate. */
function record(usage: number, selector: number, matching: number, der: Buffer): TlsaRecord {
  const selected = selector === 0 ? der : spkiOf(der)
  const data = matching === 0 ? selected : hash(matching === 1 ? 'sha256' : 'sha512', selected)
  return { usage, selector, matching, data }
}

let root: Issued
let middle: Issued
let leaf: Issued
let stranger: Issued
let chain: Buffer[]
beforeAll(async () => {
  root = await issue('root')
  middle = await issue('middle', { issuer: root })
  leaf = await issue('xmpp.a.test', { issuer: middle, isCa: false })
  stranger = await issue('stranger')
  chain = [leaf.der, middle.der, root.der]
})

const good = { isValid: true, isNamed: true, now: Date.now() }
const unproven = { isValid: false, isNamed: false, now: Date.now() }
const ways = [0, 1].flatMap(selector => [0, 1, 2].map(matching => [selector, matching] as const))

describe('RFC 6698 § 2.1: DANE-EE(3)', () => {
  test.each(ways)('selector %d, matching type %d', (selector, matching) => {
    expect(checkDane([record(3, selector, matching, leaf.der)], chain, unproven)).toBe('match')
    expect(checkDane([record(3, selector, matching, stranger.der)], chain, good)).toBe('mismatch')
    expect(checkDane([record(3, selector, matching, middle.der)], chain, good)).toBe('mismatch')
  })

  test('RFC 7671 § 5.1: neither names nor dates count', async () => {
    const old = await issue('anybody', { ends: -DAY })
    expect(checkDane([record(3, 1, 1, old.der)], [old.der], unproven)).toBe('match')
  })

  test('one record of several is enough', () => {
    const records = [record(3, 1, 1, stranger.der), record(3, 1, 1, leaf.der)]
    expect(checkDane(records, chain, unproven)).toBe('match')
  })
})

describe('RFC 7671 § 5.2: DANE-TA(2)', () => {
  test.each(ways)('selector %d, matching type %d: any issuer in the chain may be the anchor', (selector, matching) => {
    for (const anchor of [middle, root]) {
      expect(checkDane([record(2, selector, matching, anchor.der)], chain, { ...good, isValid: false })).toBe('match')
    }
    expect(checkDane([record(2, selector, matching, stranger.der)], chain, good)).toBe('mismatch')
  })

  test('the certificate must name the peer', () => {
    expect(checkDane([record(2, 1, 1, root.der)], chain, { ...good, isNamed: false })).toBe('mismatch')
  })

  test('the peer itself is no anchor', () => {
    expect(checkDane([record(2, 1, 1, leaf.der)], chain, good)).toBe('mismatch')
  })

  test.each([0, 1])('§ 5.2.2: a whole anchor (selector %d) need not be sent', selector => {
    expect(checkDane([record(2, selector, 0, root.der)], [leaf.der, middle.der], good)).toBe('match')
    expect(checkDane([record(2, selector, 1, root.der)], [leaf.der, middle.der], good)).toBe('mismatch')
    expect(checkDane([record(2, selector, 0, stranger.der)], [leaf.der, middle.der], good)).toBe('mismatch')
  })

  test('an anchor that is in the chain, but issued nothing in it, vouches for nothing', () => {
    expect(checkDane([record(2, 1, 1, stranger.der)], [leaf.der, middle.der, stranger.der], good)).toBe('mismatch')
    expect(checkDane([record(2, 1, 1, root.der)], [leaf.der, root.der], good)).toBe('mismatch')
  })

  test('who is no authority issues nothing', async () => {
    const peer = await issue('peer', { issuer: root, isCa: false })
    const forged = await issue('xmpp.a.test', { issuer: peer, isCa: false })
    expect(checkDane([record(2, 1, 1, root.der)], [forged.der, peer.der, root.der], good)).toBe('mismatch')
  })

  test('a name alone makes no issuer', async () => {
    const namesake = await issue('root')
    const forged = await issue('xmpp.a.test', { issuer: namesake, isCa: false })
    expect(checkDane([record(2, 1, 1, root.der)], [forged.der, root.der], good)).toBe('mismatch')
  })

  test('certificates on the way must not have ended', async () => {
    const old = await issue('xmpp.a.test', { issuer: root, isCa: false, ends: -DAY })
    expect(checkDane([record(2, 1, 1, root.der)], [old.der, root.der], good)).toBe('mismatch')
  })
})

describe('RFC 6698 § 2.1.1: PKIX-TA(0) and PKIX-EE(1)', () => {
  test('need all of PKIX besides', () => {
    for (const each of [record(0, 1, 1, root.der), record(1, 1, 1, leaf.der)]) {
      expect(checkDane([each], chain, good)).toBe('match')
      expect(checkDane([each], chain, { ...good, isValid: false })).toBe('mismatch')
      expect(checkDane([each], chain, { ...good, isNamed: false })).toBe('mismatch')
    }
  })

  test('need the certificate that they name', () => {
    expect(checkDane([record(0, 1, 1, leaf.der)], chain, good)).toBe('mismatch')
    expect(checkDane([record(1, 1, 1, root.der)], chain, good)).toBe('mismatch')
  })
})

describe('RFC 7671 § 4: records that say nothing that can be checked', () => {
  const data = Buffer.alloc(32, 1)
  const useless = [
    { usage: 4, selector: 1, matching: 1, data },
    { usage: 255, selector: 1, matching: 1, data },
    { usage: 3, selector: 2, matching: 1, data },
    { usage: 3, selector: 1, matching: 3, data },
    { usage: 3, selector: 1, matching: 2, data },
    { usage: 3, selector: 1, matching: 1, data: data.subarray(1) },
    { usage: 3, selector: 1, matching: 0, data: Buffer.alloc(0) },
  ]
  test.each(useless.map(each => [JSON.stringify({ ...each, data: each.data.length }), each] as const))(
    '%s',
    (_, each) => {
      expect(checkDane([each], chain, good)).toBe('unusable')
    },
  )

  test('are left out where others can be', () => {
    expect(checkDane([...useless, record(3, 1, 1, leaf.der)], chain, unproven)).toBe('match')
    expect(checkDane([...useless, record(3, 1, 1, stranger.der)], chain, good)).toBe('mismatch')
  })

  test('are none', () => {
    expect(checkDane([], chain, good)).toBe('unusable')
  })
})

test.each([
  ['no certificate', () => []],
  ['noise', () => [Buffer.from('noise')]],
  ['noise behind the certificate', () => [leaf.der, Buffer.from('noise')]],
])('a peer that shows %s is not the one', (_, shown) => {
  expect(checkDane([record(3, 1, 1, leaf.der)], shown(), good)).toBe('mismatch')
})
