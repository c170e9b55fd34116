import { X509Certificate } from 'node:crypto'
import { namesServer, serverNames } from '@parley/wire'
import type { TlsInfo } from '@xmpp/server-core'

/** What vouches for a certificate: an authority, TLSA records of DNS, or a document on the domain's web server. */
export type Voucher = 'pkix' | 'dane' | 'posh'

/** Whether what a server showed in TLS proves that it is a domain; if not, why, in words for an operator. */
export type Judgement =
  | { readonly proven: true; readonly by: Voucher }
  | {
      readonly proven: false
      readonly why: string
      /** The domain itself says that this is not its server: no other proof may take the place of this one. */
      readonly isDenied?: boolean
    }

const UNKNOWN = 'its certificate comes from an authority that is not trusted here: tls.serverCa names more'
const WORDS: Readonly<Record<string, string>> = {
  NO_CERTIFICATE: 'it shows no certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: no authority vouches for it',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate comes from an authority that is not trusted here, or it does not show those in between',
  INVALID_PURPOSE: 'its certificate is not for servers',
  CERT_REVOKED: 'its certificate has been revoked',
}
/** How a certificate came to be believed, as operators read it. */
export const PROOFS = { pkix: 'certificate', dane: 'certificate (DANE)', posh: 'certificate (POSH)' } as const

/** How a peer has proven to be who it is, or why it has not; empty before TLS. */
export function inWords(judgement: Judgement | undefined): string {
  if (!judgement) return ''
  return judgement.proven ? PROOFS[judgement.by] : judgement.why
}

/** Names of one certificate that are told. */
const TOLD = 3

/** PKIX with the names of RFC 9525. */
export function judge(tls: TlsInfo | undefined, domain: string): Judgement {
  if (!tls?.shown) return { proven: false, why: 'there is no TLS' }
  const { chain, problem } = tls.shown
  const [leaf] = chain
  if (problem !== undefined || !leaf) return { proven: false, why: wordsOf(problem ?? 'NO_CERTIFICATE', chain) }
  if (!namesServer(leaf, domain)) return { proven: false, why: `its certificate ${namesOf(leaf)}, not for ${domain}` }
  return { proven: true, by: 'pkix' }
}

function wordsOf(code: string, chain: readonly Buffer[]): string {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return dateOf(code, chain)
  return WORDS[code] ?? `its certificate is not trusted (${code})`
}

/** Which certificate of the chain is out of its time, and since or until when. */
function dateOf(code: string, chain: readonly Buffer[]): string {
  const isExpired = code === 'CERT_HAS_EXPIRED'
  const dates = chain.map(der => {
    const { validFrom, validTo } = new X509Certificate(der)
    return Date.parse(isExpired ? validTo : validFrom)
  })
  // The one that ended first, or begins last, is among those that are meant.
  const date = isExpired ? Math.min(...dates) : Math.max(...dates)
  // OpenSSL went by the same clock. Where none of them is meant, it is that of the authority.
  if (isExpired !== date < Date.now())
    return `the authority of its certificate ${isExpired ? 'has expired' : 'is not valid yet'}`
  const whose = dates[0] === date ? 'its certificate' : 'a certificate between its own and the authority'
  const day = new Date(date).toISOString().slice(0, 10)
  return isExpired ? `${whose} expired on ${day}` : `${whose} is not valid before ${day}`
}

function namesOf(leaf: Buffer): string {
  const names = serverNames(leaf)
  if (names.length === 0) return 'names no domain (a common name does not count)'
  const more = names.length > TOLD ? ` and ${names.length - TOLD} more` : ''
  return `is for ${names.slice(0, TOLD).join(', ')}${more}`
}
