import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

type KeyAlgorithm = EcKey | RsaKey
interface EcKey {
  readonly name: 'ECDSA'
  readonly namedCurve: 'P-256' | 'P-384'
  readonly hash: string
}
interface RsaKey {
  readonly name: 'RSASSA-PKCS1-v1_5' | 'RSA-PSS'
  readonly hash: string
  readonly modulusLength: number
  readonly publicExponent: Uint8Array
  readonly saltLength?: number
}

export const EC: EcKey = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
export const EC384: EcKey = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }
export const rsa = (hash: string, name: RsaKey['name'] = 'RSASSA-PKCS1-v1_5'): RsaKey => ({
  name,
  hash,
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  ...(name === 'RSA-PSS' ? { saltLength: 32 } : {}),
})

export interface Issued {
  readonly cert: string
  readonly key: string
  readonly der: Buffer
  readonly x509: x509.X509Certificate
  readonly privateKey: webcrypto.CryptoKey
}

export interface Wanted {
  readonly subject?: string
  /** DER of GeneralNames; absent: a DNS name as the subject says. */
  readonly names?: Buffer
  readonly dns?: string
  readonly algorithm?: KeyAlgorithm
  readonly issuer?: Issued
  /** What it is for (RFC 5280 §4.2.1.12); absent: everything. */
  readonly purposes?: readonly ('serverAuth' | 'clientAuth')[]
  /** Days from now; yesterday and tomorrow where nothing else is said. */
  readonly from?: number
  readonly until?: number
}

/** Issues a certificate for tests, self-signed unless `issuer` is there. */
export async function issue(wanted: Wanted): Promise<Issued> {
  const { subject = 'CN=test', names, dns, algorithm = EC, issuer, purposes, from = -1, until = 1 } = wanted
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const extensions: x509.Extension[] = []
  if (names) extensions.push(new x509.Extension('2.5.29.17', false, names))
  else if (dns !== undefined) extensions.push(new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: dns }]))
  else extensions.push(new x509.BasicConstraintsExtension(true, 1, true))
  if (purposes)
    extensions.push(new x509.ExtendedKeyUsageExtension(purposes.map(purpose => x509.ExtendedKeyUsage[purpose])))
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: issuer?.x509.subject ?? subject,
      publicKey: keys.publicKey,
      signingKey: issuer?.privateKey ?? keys.privateKey,
      signingAlgorithm: issuer ? EC : algorithm,
      notBefore: new Date(Date.now() + from * 86_400_000),
      notAfter: new Date(Date.now() + until * 86_400_000),
      extensions,
    },
    webcrypto,
  )
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `${key}\n`,
    der: Buffer.from(certificate.rawData),
    x509: certificate,
    privateKey: keys.privateKey,
  }
}

/** One DER value with short contents. */
export function der(tag: number, ...contents: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(contents.map(part => (typeof part === 'string' ? Buffer.from(part) : part)))
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

const XMPP_ADDR = Buffer.from('06082b06010505070805', 'hex')
/** GeneralName of type id-on-xmppAddr. */
export const xmppAddr = (address: string | Buffer, tag = 0x0c) => der(0xa0, XMPP_ADDR, der(0xa0, der(tag, address)))
export const generalNames = (...names: Buffer[]) => der(0x30, ...names)
