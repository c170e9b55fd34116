import { X509Certificate } from 'node:crypto'
import type { ShownCertificates } from '@xmpp/server-core'
import { openDer, readDer } from './der.ts'
import { certificateExtensions, type Extension } from './extensions.ts'
import { signatureAlgorithm } from './x509.ts'

/** Object identifiers of extensions (RFC 5280 §4.2.1), as hex of their contents. */
const KEY_USAGE = '551d0f'
const ALTERNATIVE_NAMES = '551d11'
const BASIC_CONSTRAINTS = '551d13'
const NAME_CONSTRAINTS = '551d1e'
const POLICIES = '551d20'
const PURPOSES = '551d25'
/** Those that are understood here: another one that is critical makes a certificate useless (RFC 5280 §4.2). */
const UNDERSTOOD = new Set([KEY_USAGE, ALTERNATIVE_NAMES, BASIC_CONSTRAINTS, POLICIES, PURPOSES])
/** id-kp-serverAuth (RFC 5280 §4.2.1.12). */
const SERVER_AUTH = '2b06010505070301'
/** digitalSignature, which is the only use of a key in TLS 1.3, and in TLS 1.2 with forward secrecy. */
const DIGITAL_SIGNATURE = 0x80
/** SHA-256 and longer, with RSA (PKCS #1), ECDSA or Edwards curves. RSA-PSS names its hash in parameters; authorities do without. */
const SIGNATURES = new Set([
  ...['2a864886f70d01010b', '2a864886f70d01010c', '2a864886f70d01010d'],
  ...['2a8648ce3d040302', '2a8648ce3d040303', '2a8648ce3d040304'],
  ...['2b6570', '2b6571'],
])
const RSA_BITS = 2048
/** Certificates between a server's own and the authority. */
const DEPTH = 5
/** Ways from a certificate upwards that are tried: there may be several issuers of one name. */
const TRIES = 20
/** Rules that a chain does not keep are told as OpenSSL tells them, so that one list of words does. */
const PROBLEM = { purpose: 'INVALID_PURPOSE', authority: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' } as const

/**
 * Judges chains by the rules for servers where OpenSSL has judged them by those for clients, since their servers have connected to
 * us. Public authorities issue certificates for servers only, and who may speak as a server of a domain is the same question
 * whoever connects. Stricter than OpenSSL in what it cannot check: name constraints, and whatever is critical and not understood.
 */
export class ServerChains {
  readonly #authorities: readonly string[]
  /** By subject; read when they are needed first. */
  #anchors: ReadonlyMap<string, readonly X509Certificate[]> | undefined

  /** @param authorities PEM, one or several certificates in each */
  constructor(authorities: readonly string[]) {
    this.#authorities = authorities
  }

  /** @param now milliseconds since 1970 */
  judge({ chain, problem }: ShownCertificates, now: number): ShownCertificates {
    // Whatever else OpenSSL says, it says in addition: it checks purposes before signatures and dates.
    if (chain.length === 0 || (problem !== undefined && problem !== PROBLEM.purpose)) return { chain, problem }
    try {
      const [leaf, ...others] = chain.map(der => new X509Certificate(der))
      if (!isFor(leaf!, SERVER_AUTH)) return { chain, problem: PROBLEM.purpose }
      // OpenSSL has found the way to an authority.
      if (problem === undefined) return { chain, problem }
      const isGood = isCurrent(leaf!, now) && isStrong(leaf!) && isUnderstood(leaf!) && maySign(leaf!)
      const leads = isGood && this.#leads(leaf!, others, 0, now, { left: TRIES })
      return { chain, problem: leads ? undefined : PROBLEM.authority }
    } catch {
      // Keys and encodings that nobody here can read: they may be in any certificate that a peer adds to its own.
      return { chain, problem: PROBLEM.purpose }
    }
  }

  #anchorsOf(subject: string): readonly X509Certificate[] {
    this.#anchors ??= anchors(this.#authorities)
    return this.#anchors.get(subject) ?? []
  }

  /** Whether a chain goes from `subject`, which is good itself, to an authority. @param below authorities below the next one */
  #leads(
    subject: X509Certificate,
    others: readonly X509Certificate[],
    below: number,
    now: number,
    tries: { left: number },
  ): boolean {
    if (below > DEPTH) return false
    const may = (issuer: X509Certificate) => tries.left-- > 0 && mayIssue(issuer, subject, below, now)
    if (this.#anchorsOf(subject.issuer).some(may)) return true
    return others.some(
      issuer =>
        issuer.subject === subject.issuer &&
        may(issuer) &&
        this.#leads(
          issuer,
          others.filter(other => other !== issuer),
          below + 1,
          now,
          tries,
        ),
    )
  }
}

function anchors(authorities: readonly string[]): Map<string, X509Certificate[]> {
  const found = new Map<string, X509Certificate[]>()
  for (const pem of authorities.flatMap(text => text.match(PEM) ?? [])) {
    const anchor = new X509Certificate(pem)
    // As OpenSSL has it, a way ends at a root.
    if (anchor.subject !== anchor.issuer) continue
    const known = found.get(anchor.subject)
    if (known) known.push(anchor)
    else found.set(anchor.subject, [anchor])
  }
  return found
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** RFC 5280 §6.1, for one step. `ca` is OpenSSL's: basicConstraints say that it is one, and keyUsage does not say otherwise. */
function mayIssue(issuer: X509Certificate, subject: X509Certificate, below: number, now: number): boolean {
  return (
    issuer.ca &&
    isCurrent(issuer, now) &&
    isStrong(issuer) &&
    isUnderstood(issuer) &&
    hasRoom(issuer, below) &&
    isFor(issuer, SERVER_AUTH) &&
    subject.checkIssued(issuer) &&
    SIGNATURES.has(signatureAlgorithm(subject.raw).oid) &&
    isSigned(subject, issuer)
  )
}

function isCurrent({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo)
}

function isSigned(subject: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return subject.verify(issuer.publicKey)
  } catch {
    // Keys of another kind.
    return false
  }
}

function isStrong({ publicKey }: X509Certificate): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) >= RSA_BITS
  return type === 'ec' || type === 'ed25519' || type === 'ed448'
}

function isUnderstood(certificate: X509Certificate): boolean {
  const extensions = certificateExtensions(certificate.raw)
  const ids = new Set(extensions.map(({ id }) => id))
  // RFC 5280 §4.2: no extension twice. §4.2.1.10: constraints on names are not checked here, so nothing is believed below them.
  if (ids.size < extensions.length || ids.has(NAME_CONSTRAINTS)) return false
  return extensions.every(({ id, isCritical }) => !isCritical || UNDERSTOOD.has(id))
}

/** RFC 5280 §4.2.1.9: how many authorities may stand below this one. */
function hasRoom(issuer: X509Certificate, below: number): boolean {
  const value = find(issuer, BASIC_CONSTRAINTS)?.value
  const length = value && openDer(value).find(({ tag }) => tag === INTEGER)?.content
  if (!length) return value !== undefined
  return length.length > 0 && length[0]! < 0x80 && (length.length > 1 || below <= length[0]!)
}
const INTEGER = 0x02

/** RFC 5280 §4.2.1.12: without the extension a certificate is for all purposes. "Any purpose" is no name of ours, as in OpenSSL. */
function isFor(certificate: X509Certificate, purpose: string): boolean {
  const extension = find(certificate, PURPOSES)
  return !extension || openDer(extension.value).some(({ content }) => content.toString('hex') === purpose)
}

/** RFC 5280 §4.2.1.3. */
function maySign(certificate: X509Certificate): boolean {
  const extension = find(certificate, KEY_USAGE)
  if (!extension) return true
  const [bits] = readDer(extension.value)
  // A BIT STRING: how many bits of the last octet do not count, then the octets.
  return bits?.tag === 0x03 && ((bits.content[1] ?? 0) & DIGITAL_SIGNATURE) !== 0
}

function find(certificate: X509Certificate, id: string): Extension | undefined {
  return certificateExtensions(certificate.raw).find(extension => extension.id === id)
}
