import { namesServer } from '@parley/wire'
import type { TlsInfo } from '@xmpp/server-core'

/** Whether what a server showed in TLS proves that it is `domain`; if not, why, in words for an operator. */
export type Judgement = { readonly proven: true } | { readonly proven: false; readonly why: string }

const WORDS: Readonly<Record<string, string>> = {
  NO_CERTIFICATE: 'it shows no certificate',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate comes from an authority that is not known, or lacks those in between',
  INVALID_PURPOSE: 'its certificate is not for this purpose (client or server)',
  CERT_REVOKED: 'its certificate has been revoked',
}

/** PKIX with the names of RFC 9525. */
export function judge(tls: TlsInfo | undefined, domain: string): Judgement {
  if (!tls?.shown) return { proven: false, why: 'there is no TLS' }
  const { chain, problem } = tls.shown
  const [leaf] = chain
  if (problem !== undefined || !leaf) {
    const code = problem ?? 'NO_CERTIFICATE'
    return { proven: false, why: WORDS[code] ?? `its certificate is not trusted (${code})` }
  }
  if (!namesServer(leaf, domain)) return { proven: false, why: `its certificate is for another name than ${domain}` }
  return { proven: true }
}
