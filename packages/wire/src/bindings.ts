import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ShownCertificates, TlsInfo } from '@xmpp/server-core'
import { DerError, openDer, readDer } from './der.ts'
import { signatureAlgorithm, xmppAddresses } from './x509.ts'

type Bindings = TlsInfo['bindings']

/**
 * What a finished handshake proves.
 *
 * @param clients whether a certificate authority for client certificates is configured
 * @param single the end point of the only certificate that there is; absent where there are several
 */
export function tlsInfo(socket: TLSSocket, clients: boolean, single?: Buffer): TlsInfo {
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    bindings: channelBindings(socket, single ?? shownEndPoint(socket)),
    certificateAddresses: clients ? provenAddresses(socket) : [],
    earlyData: false,
  }
}

/** Certificates beyond this are not looked at. */
const CHAIN = 10

/** What a peer server has shown. `problem` is OpenSSL's. */
export function shownBy(socket: TLSSocket): ShownCertificates {
  const chain: Buffer[] = []
  let next = socket.getPeerX509Certificate()
  while (next && chain.length < CHAIN) {
    chain.push(next.raw)
    const issuer = next.issuerCertificate
    if (!issuer || issuer.raw.equals(next.raw)) break
    next = issuer
  }
  if (chain.length === 0 || socket.isSessionReused()) return { chain: [], problem: 'NO_CERTIFICATE' }
  const problem = socket.authorized ? undefined : String(socket.authorizationError || 'UNKNOWN')
  return { chain, problem }
}

/**
 * Node calls a resumed session without any client certificate "authorized". A certificate must be there, seen in this very
 * handshake, and verified against the configured authority, which is the only one that the context trusts.
 */
function provenAddresses(socket: TLSSocket): string[] {
  if (!socket.authorized || socket.isSessionReused()) return []
  const raw = socket.getPeerX509Certificate()?.raw
  return raw ? xmppAddresses(raw) : []
}

/** RFC 5929 §4.1: a resumed session shows no certificate, and nobody here knows which one it began with. */
function shownEndPoint(socket: TLSSocket): Buffer | undefined {
  const own = socket.isSessionReused() ? undefined : socket.getX509Certificate()?.raw
  return own && endPoint(own)
}

function channelBindings(socket: TLSSocket, shown: Buffer | undefined): Bindings {
  const bindings: { -readonly [K in keyof Bindings]: Bindings[K] } = {}
  // RFC 9266 §4.2: below TLS 1.3 only with extended master secrets, and without renegotiation, which is refused.
  if (socket.getProtocol() === 'TLSv1.3' || hasExtendedMasterSecret(socket)) {
    // RFC 9266 §2: an empty context, which below TLS 1.3 is not the same as none.
    bindings['tls-exporter'] = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }
  if (shown) bindings['tls-server-end-point'] = shown
  return bindings
}

/** Hash of a certificate for `tls-server-end-point` (RFC 5929 §4.1). @param certificate DER */
export function endPoint(certificate: Buffer): Buffer {
  return createHash(hashOf(certificate)).update(certificate).digest()
}

/** By signature algorithm (RFC 3279, 4055, 5758), as hex of the object identifier's contents. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d01010e', 'sha224'],
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040301', 'sha224'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
])
const RSA_PSS = '2a864886f70d01010a'
const PSS_HASHES: ReadonlyMap<string, string> = new Map([
  ['608648016503040204', 'sha224'],
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
])

/** MD5 and SHA-1 are replaced by SHA-256; so is what has no single hash, such as Ed25519, as other implementations do. */
function hashOf(certificate: Buffer): string {
  const { oid, parameters } = signatureAlgorithm(certificate)
  if (oid !== RSA_PSS) return HASHES.get(oid) ?? 'sha256'
  // RSASSA-PSS-params: [0] hashAlgorithm, an AlgorithmIdentifier; SHA-1 where it is absent.
  const hash = parameters && readDer(parameters.content).find(({ tag }) => tag === 0xa0)
  const [id] = hash ? openDer(hash.content) : []
  return PSS_HASHES.get(id?.content.toString('hex') ?? '') ?? 'sha256'
}

/** Field [13] of OpenSSL's encoding of a session: flags, the lowest of which says "extended master secret" (RFC 7627). */
const SESSION_FLAGS = 0xad

function hasExtendedMasterSecret(socket: TLSSocket): boolean {
  const session = socket.getSession()
  if (!session) return false
  try {
    const flags = openDer(session).find(({ tag }) => tag === SESSION_FLAGS)
    const value = flags && readDer(flags.content)[0]?.content.at(-1)
    return value !== undefined && (value & 1) === 1
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  } finally {
    // The encoding holds the master secret.
    session.fill(0)
  }
}
