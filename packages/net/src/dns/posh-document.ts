import { createHash } from 'node:crypto'

/** A certificate that a domain names. */
export interface Fingerprint {
  readonly hash: string
  readonly digest: Buffer
}

/** RFC 7711 §3: what a domain publishes, or where somebody else publishes it. */
export type PoshDocument =
  | { readonly fingerprints: readonly Fingerprint[]; readonly expires: number }
  | { readonly url: string; readonly expires: number }

/** The strongest first: of each certificate only that one is compared. SHA-1 proves nothing any more. */
const HASHES = [
  { name: 'sha-512', hash: 'sha512', size: 64 },
  { name: 'sha-384', hash: 'sha384', size: 48 },
  { name: 'sha-256', hash: 'sha256', size: 32 },
]
/** Certificates that a document may name: some servers, each with an old and a new one. */
const MAX_FINGERPRINTS = 64

/** Reads a document; undefined for what is none. `expires` is in seconds. */
export function readPosh(body: Buffer): PoshDocument | undefined {
  const fields = parse(body)
  const expires = fields['expires']
  // Without a time nothing says how long it may be believed; 0 says not at all.
  if (typeof expires !== 'number' || !(expires > 0)) return undefined
  if (typeof fields['url'] === 'string') return { url: fields['url'], expires }
  if (!Array.isArray(fields['fingerprints'])) return undefined
  return { fingerprints: fields['fingerprints'].slice(0, MAX_FINGERPRINTS).flatMap(strongest), expires }
}

/** Whether the certificate (DER) is one of them. */
export function matchesPosh(fingerprints: readonly Fingerprint[], certificate: Buffer): boolean {
  return fingerprints.some(({ hash, digest }) => createHash(hash).update(certificate).digest().equals(digest))
}

function parse(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function strongest(descriptor: unknown): Fingerprint[] {
  if (typeof descriptor !== 'object' || descriptor === null) return []
  for (const { name, hash, size } of HASHES) {
    const value = (descriptor as Record<string, unknown>)[name]
    if (typeof value !== 'string') continue
    const digest = Buffer.from(value, 'base64')
    return digest.length === size ? [{ hash, digest }] : []
  }
  return []
}
