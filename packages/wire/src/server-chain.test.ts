import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server } from 'node:tls'
import { describe, expect, test } from '@jest/globals'
import * as x509 from '@peculiar/x509'
import { der } from '../test/issue.ts'
import { ServerChains } from './server-chain.ts'

const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
const { digitalSignature, keyEncipherment, keyCertSign, cRLSign } = x509.KeyUsageFlags
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const RSA = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
const DAY = 86_400_000
const UNKNOWN = new x509.Extension('1.3.6.1.4.1.99999.1', true, der(0x05))
/** Only names below b.test, which is not looked at. */
const CONSTRAINTS = new x509.Extension('2.5.29.30', true, der(0x30, der(0xa0, der(0x30, der(0x82, 'b.test')))))

interface Kind {
  readonly ca?: boolean
  readonly pathLength?: number
  readonly usages?: number
  readonly purposes?: readonly string[]
  readonly from?: number
  readonly until?: number
  readonly extra?: x509.Extension
  readonly algorithm?: typeof EC | (typeof RSA & { hash: string })
  readonly subject?: string
  /** Signed with a key of its own, whatever its issuer's name. */
  readonly forged?: boolean
}
interface Made {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
  readonly algorithm: NonNullable<Kind['algorithm']>
}

const AUTHORITY: Kind = { ca: true, usages: keyCertSign | cRLSign }
const LEAF: Kind = { usages: digitalSignature, purposes: [serverAuth] }

let serial = 1
async function make(kind: Kind, issuer?: Made): Promise<Made> {
  const { ca, pathLength, usages, purposes, from = -1, until = 1, extra, algorithm = EC, forged } = kind
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const subject = kind.subject ?? `CN=${++serial}`
  const extensions: x509.Extension[] = []
  if (ca !== undefined) extensions.push(new x509.BasicConstraintsExtension(ca, pathLength, true))
  if (usages !== undefined) extensions.push(new x509.KeyUsagesExtension(usages, true))
  if (purposes) extensions.push(new x509.ExtendedKeyUsageExtension([...purposes]))
  if (!ca) extensions.push(new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'b.test' }]))
  if (extra) extensions.push(extra)
  const signer = forged || !issuer ? { keys, algorithm } : issuer
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: (++serial).toString(16).padStart(4, '0'),
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      publicKey: keys.publicKey,
      signingKey: signer.keys.privateKey,
      signingAlgorithm: signer.algorithm,
      notBefore: new Date(Date.now() + from * DAY),
      notAfter: new Date(Date.now() + until * DAY),
      extensions,
    },
    webcrypto,
  )
  return { certificate, keys, algorithm }
}

/** A chain from the server's own certificate upwards; the root, which is trusted, is not shown. */
async function chainOf(leaf: Kind, between: readonly Kind[] = [], root: Kind = AUTHORITY) {
  const anchor = await make(root)
  const made: Made[] = []
  let issuer = anchor
  for (const kind of between) {
    issuer = await make(kind, issuer)
    made.unshift(issuer)
  }
  const own = await make(leaf, issuer)
  return { anchor, own, shown: [own, ...made] }
}
type Chain = Awaited<ReturnType<typeof chainOf>>

const pem = ({ certificate }: Made) => `${certificate.toString('pem')}\n`
const bytes = ({ certificate }: Made) => Buffer.from(new Uint8Array(certificate.rawData))

/** What we say, where OpenSSL has only said that the purpose is another one. */
function ours({ anchor, shown }: Chain): boolean {
  const chains = new ServerChains([pem(anchor)])
  return chains.judge({ chain: shown.map(bytes), problem: 'INVALID_PURPOSE' }, Date.now()).problem === undefined
}

/** What OpenSSL says in a client that has connected to a server with that chain; undefined: it trusts it. */
async function openssl({ anchor, own, shown }: Chain): Promise<string | undefined> {
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', own.keys.privateKey), 'PRIVATE KEY')
  let server: Server
  try {
    server = createServer({ cert: shown.map(pem).join(''), key })
  } catch (error) {
    return (error as Error).message
  }
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  try {
    return await new Promise<string | undefined>(resolve => {
      const { port } = server.address() as AddressInfo
      const socket = connect({ port, ca: pem(anchor), servername: 'b.test', rejectUnauthorized: false }, () => {
        resolve(socket.authorized ? undefined : String(socket.authorizationError))
        socket.destroy()
      })
      socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    })
  } finally {
    server.close()
  }
}

describe('RFC 5280 § 6.1: a chain that is good for a server', () => {
  test.each<[string, Kind, Kind[]?, Kind?]>([
    ['from the authority itself', LEAF],
    ['with one authority in between', LEAF, [AUTHORITY]],
    ['with authorities for servers only in between', LEAF, [{ ...AUTHORITY, purposes: [serverAuth] }]],
    ['with room for one authority below the root', LEAF, [AUTHORITY], { ...AUTHORITY, pathLength: 1 }],
    ['with no room below the one in between, and none there', LEAF, [{ ...AUTHORITY, pathLength: 0 }]],
    ['for both purposes', { ...LEAF, purposes: [serverAuth, clientAuth] }],
    ['that says nothing of purposes', { usages: digitalSignature }],
    ['that says nothing of usages', { purposes: [serverAuth] }],
    [
      'of RSA keys',
      { ...LEAF, algorithm: { ...RSA, hash: 'SHA-256' } },
      [],
      { ...AUTHORITY, algorithm: { ...RSA, hash: 'SHA-384' } },
    ],
    ['of an authority that says nothing of usages', LEAF, [], { ca: true }],
  ])('%s', async (...[, leaf, between, root]) => {
    const chain = await chainOf(leaf, between, root)
    expect(await openssl(chain)).toBeUndefined()
    expect(ours(chain)).toBe(true)
  })

  test('shown out of order, with certificates that have nothing to do with it', async () => {
    const chain = await chainOf(LEAF, [AUTHORITY, AUTHORITY])
    const [own, ...others] = chain.shown
    const mixed = { ...chain, shown: [own!, await make(AUTHORITY), ...others.reverse()] }
    expect(await openssl(mixed)).toBeUndefined()
    expect(ours(mixed)).toBe(true)
  })
})

describe('threat 114: a chain that is not', () => {
  test.each<[string, Kind, Kind[]?, Kind?]>([
    ['for clients only', { ...LEAF, purposes: [clientAuth] }],
    ['for clients only further up', LEAF, [{ ...AUTHORITY, purposes: [clientAuth] }]],
    ['expired', { ...LEAF, from: -3, until: -1 }],
    ['of tomorrow', { ...LEAF, from: 1, until: 3 }],
    ['expired further up', LEAF, [{ ...AUTHORITY, from: -3, until: -1 }]],
    ['expired at the root', LEAF, [], { ...AUTHORITY, from: -3, until: -1 }],
    ['issued by somebody who is no authority', LEAF, [{ ca: false, usages: digitalSignature }]],
    ['issued by somebody who says nothing of being one', LEAF, [{ usages: keyCertSign }]],
    ['issued by an authority that may not sign certificates', LEAF, [{ ca: true, usages: cRLSign }]],
    ['longer than the root allows', LEAF, [AUTHORITY], { ...AUTHORITY, pathLength: 0 }],
    ['longer than one in between allows', LEAF, [{ ...AUTHORITY, pathLength: 0 }, AUTHORITY]],
    ['with a signature that is not the issuer’s', { ...LEAF, forged: true }],
    ['with such a signature further up', LEAF, [{ ...AUTHORITY, forged: true }]],
    ['with something critical that nobody knows', { ...LEAF, extra: UNKNOWN }],
    ['with something critical that nobody knows further up', LEAF, [{ ...AUTHORITY, extra: UNKNOWN }]],
    ['signed with SHA-1', LEAF, [], { ...AUTHORITY, algorithm: { ...RSA, hash: 'SHA-1' } }],
  ])('%s', async (...[, leaf, between, root]) => {
    const chain = await chainOf(leaf, between, root)
    expect(await openssl(chain)).not.toBeUndefined()
    expect(ours(chain)).toBe(false)
  })

  test('of an authority that is not trusted, though it has the name of one that is', async () => {
    const chain = await chainOf(LEAF, [], { ...AUTHORITY, subject: 'CN=root' })
    const stranger = { ...chain, anchor: await make({ ...AUTHORITY, subject: 'CN=root' }) }
    expect(await openssl(stranger)).not.toBeUndefined()
    expect(ours(stranger)).toBe(false)
  })

  test('that lacks one in between', async () => {
    const chain = await chainOf(LEAF, [AUTHORITY])
    const cut = { ...chain, shown: [chain.own] }
    expect(await openssl(cut)).not.toBeUndefined()
    expect(ours(cut)).toBe(false)
  })

  test.each<[string, Kind, Kind[]?]>([
    [
      'names that are constrained: what cannot be checked here is not believed',
      LEAF,
      [{ ...AUTHORITY, extra: CONSTRAINTS }],
    ],
    [
      'a key for encryption only, which no key exchange with forward secrecy uses',
      { ...LEAF, usages: keyEncipherment },
    ],
    ['a short RSA key', { ...LEAF, algorithm: { ...RSA, modulusLength: 1024, hash: 'SHA-256' } }],
  ])('stricter than OpenSSL: %s', async (...[, leaf, between]) => {
    const chain = await chainOf(leaf, between)
    expect(await openssl(chain)).toBeUndefined()
    expect(ours(chain)).toBe(false)
  })

  test('what OpenSSL says besides stands, and a certificate that it takes is for servers too', async () => {
    const chain = await chainOf(LEAF)
    const chains = new ServerChains([pem(chain.anchor)])
    const judge = (made: Made, problem?: string) => chains.judge({ chain: [bytes(made)], problem }, Date.now()).problem
    expect(judge(chain.own, 'CERT_HAS_EXPIRED')).toBe('CERT_HAS_EXPIRED')
    expect(judge(chain.own)).toBeUndefined()
    expect(judge(await make({ ...LEAF, purposes: [clientAuth] }, chain.anchor))).toBe('INVALID_PURPOSE')
    expect(chains.judge({ chain: [], problem: 'NO_CERTIFICATE' }, Date.now()).problem).toBe('NO_CERTIFICATE')
  })

  test('a heap of certificates with one name is looked through so far and no further', async () => {
    const heap = await Promise.all(Array.from({ length: 9 }, () => make({ ...AUTHORITY, subject: 'CN=heap' })))
    const own = await make(LEAF, heap[0])
    const began = performance.now()
    expect(ours({ anchor: await make(AUTHORITY), own, shown: [own, ...heap] })).toBe(false)
    // Not every order of them is tried.
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

describe('chains at random', () => {
  /** The same ones each time. */
  function random(seed: number): () => number {
    let state = seed
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }

  test('none is believed that OpenSSL does not believe', async () => {
    const next = random(7)
    const one = <T>(...values: T[]) => values[Math.floor(next() * values.length)]!
    const authority = (): Kind => ({
      ca: one(true, true, true, false),
      ...(next() < 0.3 && { pathLength: one(0, 1, 2) }),
      ...(next() < 0.8 && { usages: one(keyCertSign, keyCertSign | cRLSign, cRLSign) }),
      ...(next() < 0.3 && { purposes: one([serverAuth], [clientAuth], [serverAuth, clientAuth]) }),
      ...(next() < 0.1 && { until: -0.5 }),
      ...(next() < 0.1 && { forged: true }),
      ...(next() < 0.1 && { extra: one(UNKNOWN, CONSTRAINTS) }),
    })
    const seen = { believed: 0, stricter: 0, refused: 0 }
    for (let n = 0; n < 150; n++) {
      const leaf: Kind = { ...LEAF, ...(next() < 0.3 && { purposes: one([clientAuth], [serverAuth, clientAuth]) }) }
      const between = Array.from({ length: Math.floor(next() * 4) }, authority)
      const chain = await chainOf(leaf, between, { ...AUTHORITY, ...(next() < 0.3 && { pathLength: one(0, 1, 2) }) })
      const [here, there] = [ours(chain), (await openssl(chain)) === undefined]
      if (here && !there) throw new Error(`Believed against OpenSSL: ${JSON.stringify({ leaf, between })}`)
      seen[here ? 'believed' : there ? 'stricter' : 'refused']++
    }
    expect(seen.believed).toBeGreaterThan(20)
    expect(seen.refused).toBeGreaterThan(20)
    expect(seen.stricter).toBeLessThan(10)
  })

  test('one changed byte is no proof, and no accident', async () => {
    const chain = await chainOf(LEAF, [AUTHORITY])
    const chains = new ServerChains([pem(chain.anchor)])
    const next = random(11)
    let read = 0
    for (let n = 0; n < 3000; n++) {
      const shown = chain.shown.map(bytes)
      const which = shown[Math.floor(next() * shown.length)]!
      which[Math.floor(next() * which.length)]! ^= 1 << Math.floor(next() * 8)
      expect(chains.judge({ chain: shown, problem: 'INVALID_PURPOSE' }, Date.now()).problem).not.toBeUndefined()
      read += shown.every(isReadable) ? 1 : 0
    }
    // Not all of them fell at the first look.
    expect(read).toBeGreaterThan(500)
  })

  function isReadable(bytes: Buffer): boolean {
    try {
      return new X509Certificate(bytes).raw.length > 0
    } catch {
      return false
    }
  }
})
