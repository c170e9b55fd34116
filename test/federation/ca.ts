import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY = 86_400_000
/** Those of RFC 6120 §13.7.1.4 and RFC 4985. */
const XMPP_ADDR = '1.3.6.1.5.5.7.8.5'
const SRV_NAME = '1.3.6.1.5.5.7.8.7'
const { serverAuth, clientAuth } = x509.ExtendedKeyUsage

/** What a certificate of a domain may be like. All but the self-signed one are issued by the authority of the tests. */
export const CERTIFICATES = {
  good: 'for both purposes, with the names of the domain and of its services',
  'server-only': 'for servers only, as public authorities issue them',
  'client-only': 'for clients only',
  expired: 'ended yesterday',
  'not-yet-valid': 'begins tomorrow',
  'self-signed': 'issued by itself',
  'wrong-host': 'of another domain',
  wildcard: 'of everything beside the domain',
  'cn-only': 'the domain is its common name, and there is no alternative name',
  'xmpp-addr': 'the domain is an id-on-xmppAddr, and nothing else',
  'srv-name': 'the domain is an SRVName, and nothing else',
} as const
export type CertificateKind = keyof typeof CERTIFICATES

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  /** Certificate and key in one. */
  readonly both: string
}

interface Keys {
  readonly pair: webcrypto.CryptoKeyPair
  readonly subject: string
}

/** An authority that everybody in a play trusts. */
export class Authority {
  /** The path of its own certificate. */
  readonly file: string
  readonly #folder: string
  readonly #keys: Keys
  #serial = 1

  private constructor(folder: string, keys: Keys) {
    this.#folder = folder
    this.#keys = keys
    this.file = join(folder, 'ca.pem')
  }

  /** Keeps its files in `folder`, where every user may read them: all of it is thrown away. */
  static async found(folder: string): Promise<Authority> {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const authority = new Authority(folder, { pair: await keyPair(), subject: 'CN=Authority of Verona' })
    const { pair, subject } = authority.#keys
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        serialNumber: '01',
        name: subject,
        keys: pair,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(Date.now() - 30 * DAY),
        notAfter: new Date(Date.now() + 30 * DAY),
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(pair.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    )
    writeFileSync(authority.file, `${certificate.toString('pem')}\n`)
    return authority
  }

  /** A certificate for `domain` and its services. */
  async issue(kind: CertificateKind, domain: string, services: readonly string[] = []): Promise<Certificate> {
    const pair = await keyPair()
    const issuer = kind === 'self-signed' ? { pair, subject: `CN=${domain}` } : this.#keys
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: (++this.#serial).toString(16).padStart(2, '0'),
        subject: kind === 'cn-only' ? `CN=${domain}` : 'O=House of Verona',
        issuer: issuer.subject,
        ...(kind === 'self-signed' ? { subject: issuer.subject } : {}),
        publicKey: pair.publicKey,
        signingKey: issuer.pair.privateKey,
        signingAlgorithm: ALGORITHM,
        ...lifetime(kind),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(purposes(kind)),
          ...names(kind, domain, services),
        ],
      },
      webcrypto,
    )
    const cert = `${certificate.toString('pem')}\n`
    const der = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey)
    const key = `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`
    return this.#write(`${domain}-${kind}`, cert, key)
  }

  #write(name: string, cert: string, key: string): Certificate {
    const path = (suffix: string) => join(this.#folder, `${name}.${suffix}`)
    writeFileSync(path('crt'), cert)
    writeFileSync(path('key'), key)
    writeFileSync(path('pem'), cert + key)
    return { cert: path('crt'), key: path('key'), both: path('pem') }
  }
}

function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>
}

function lifetime(kind: CertificateKind): { notBefore: Date; notAfter: Date } {
  const days = (from: number, to: number) => ({
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + to * DAY),
  })
  if (kind === 'expired') return days(-20, -1)
  if (kind === 'not-yet-valid') return days(1, 20)
  return days(-1, 20)
}

function purposes(kind: CertificateKind): string[] {
  if (kind === 'server-only') return [serverAuth]
  if (kind === 'client-only') return [clientAuth]
  return [serverAuth, clientAuth]
}

function names(kind: CertificateKind, domain: string, services: readonly string[]): x509.Extension[] {
  const dns = (...values: string[]) => [
    new x509.SubjectAlternativeNameExtension(values.map(value => ({ type: 'dns' as const, value }))),
  ]
  switch (kind) {
    case 'cn-only':
      return []
    case 'wrong-host':
      return dns('mantua.test')
    case 'wildcard':
      return dns(`*.${domain.slice(domain.indexOf('.') + 1)}`)
    case 'xmpp-addr':
      return [otherNames(...[domain, ...services].map(name => ({ id: XMPP_ADDR, tag: 0x0c, name })))]
    case 'srv-name':
      return [
        otherNames(...[domain, ...services].map(name => ({ id: SRV_NAME, tag: 0x16, name: `_xmpp-server.${name}` }))),
      ]
    default:
      return dns(domain, ...services)
  }
}

/** subjectAltName with names of kinds that the library has no word for. */
function otherNames(...entries: readonly { id: string; tag: number; name: string }[]): x509.Extension {
  const general = entries.map(({ id, tag, name }) =>
    der(0xa0, objectIdentifier(id), der(0xa0, der(tag, Buffer.from(name)))),
  )
  return new x509.Extension('2.5.29.17', false, der(0x30, ...general))
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

/** All their numbers but none of the first two are below 128. */
function objectIdentifier(id: string): Buffer {
  const [first, second, ...rest] = id.split('.').map(Number) as [number, number, ...number[]]
  return der(0x06, Buffer.from([first * 40 + second, ...rest]))
}
