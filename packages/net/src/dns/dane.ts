import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import type { TlsaRecord } from './records.ts'

/**
 * `match`: the peer is who it says. `mismatch`: it is not. `unusable`: no record says anything that can be checked: other
 * proofs decide, but TLS is still required (RFC 7672 §2.2).
 */
export type DaneVerdict = 'match' | 'mismatch' | 'unusable'

export interface PeerChecks {
  /** PKIX accepts the chain: what the usages 0 and 1 ask for besides. */
  readonly isValid: boolean
  /** The peer's certificate names the domain, or the host of a secure target (RFC 7673 §4): for usages 0, 1 and 2. */
  readonly isNamed: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** RFC 6698 §2.1.1, with the names of RFC 7218. */
const PKIX_TA = 0
const PKIX_EE = 1
const DANE_TA = 2
const DANE_EE = 3
const CERTIFICATE = 0
const WHOLE = 0
/** RFC 6698 §2.1.3. */
const DIGESTS: Readonly<Record<number, { hash: string; size: number }>> = {
  1: { hash: 'sha256', size: 32 },
  2: { hash: 'sha512', size: 64 },
}
/** Chains of the world have two to four certificates. */
const MAX_CHAIN = 10

/**
 * Whether TLSA records vouch for a peer (RFC 6698 §2.1, as RFC 7671 §4 and §5 have it).
 *
 * @param chain what the peer showed, as DER, its own certificate first
 */
export function checkDane(records: readonly TlsaRecord[], chain: readonly Buffer[], checks: PeerChecks): DaneVerdict {
  const usable = records.filter(isUsable)
  if (usable.length === 0) return 'unusable'
  const certificates = chain.slice(0, MAX_CHAIN).flatMap(read)
  const [leaf, ...issuers] = certificates
  // A certificate that cannot be read is none.
  if (!leaf || certificates.length < Math.min(chain.length, MAX_CHAIN)) return 'mismatch'
  return usable.some(record => vouches(record, leaf, issuers, checks)) ? 'match' : 'mismatch'
}

/** RFC 7671 §4: what is unknown or malformed is left out. */
function isUsable({ usage, selector, matching, data }: TlsaRecord): boolean {
  const isSized = matching === WHOLE ? data.length > 0 : data.length === DIGESTS[matching]?.size
  return usage <= DANE_EE && selector <= 1 && isSized
}

function vouches(
  record: TlsaRecord,
  leaf: X509Certificate,
  issuers: readonly X509Certificate[],
  { isValid, isNamed, now }: PeerChecks,
): boolean {
  switch (record.usage) {
    // RFC 7671 §5.1: neither names nor dates count: who published the key said both.
    case DANE_EE:
      return fits(record, leaf)
    case PKIX_EE:
      return isValid && isNamed && fits(record, leaf)
    case PKIX_TA:
      return isValid && isNamed && issuers.some(each => fits(record, each))
    case DANE_TA:
      return isNamed && leadsTo(record, leaf, issuers, now)
    default:
      return false
  }
}

function fits({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const selected = selector === CERTIFICATE ? certificate.raw : keyOf(certificate)
  if (!selected) return false
  const digest = DIGESTS[matching]
  return (digest ? createHash(digest.hash).update(selected).digest() : selected).equals(data)
}

/** SubjectPublicKeyInfo, DER; undefined for a key of a kind that is not known here, which no peer can use. */
function keyOf(certificate: X509Certificate): Buffer | undefined {
  try {
    return certificate.publicKey.export({ type: 'spki', format: 'der' })
  } catch {
    return undefined
  }
}

/** RFC 7671 §5.2: goes from issuer to issuer until one is the anchor of the record. */
function leadsTo(record: TlsaRecord, leaf: X509Certificate, issuers: readonly X509Certificate[], now: number): boolean {
  let left = issuers
  let at = leaf
  for (;;) {
    if (!isCurrent(at, now)) return false
    if (isIssuedByRecord(record, at)) return true
    const issuer = left.find(each => isIssuer(each, at))
    if (!issuer) return false
    if (fits(record, issuer)) return true
    left = left.filter(each => each !== issuer)
    at = issuer
  }
}

function isIssuer(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && isSignedBy(certificate, issuer.publicKey)
}

/** RFC 7671 §5.2.2 and §5.2.3: a record may hold the whole anchor, which the peer then need not send. */
function isIssuedByRecord({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  if (matching !== WHOLE) return false
  if (selector === CERTIFICATE) return read(data).some(anchor => isIssuer(anchor, certificate))
  try {
    return isSignedBy(certificate, createPublicKey({ key: data, type: 'spki', format: 'der' }))
  } catch {
    return false
  }
}

function isSignedBy(certificate: X509Certificate, key: X509Certificate['publicKey']): boolean {
  try {
    return certificate.verify(key)
  } catch {
    // Keys of another kind.
    return false
  }
}

function isCurrent(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo)
}

function read(der: Buffer): X509Certificate[] {
  try {
    return [new X509Certificate(der)]
  } catch {
    return []
  }
}
