import { isUtf8 } from 'node:buffer'
import { SaslError } from './error.ts'

/** Largest decoded SASL message in octets; three 1023 octet fields of PLAIN or an escaped SCRAM user name fit. */
export const maxPayload = 4096

const maxEncoded = 4 * Math.ceil(maxPayload / 3)

/** Decodes base64 that must be canonical: no white space, full padding, no stray bits (RFC 4648 §3.3, §3.5). */
export function decodeCanonicalBase64(text: string): Buffer | undefined {
  const data = Buffer.from(text, 'base64')
  return data.toString('base64') === text ? data : undefined
}

/**
 * Decodes the character data of `<auth/>`, `<response/>`, `<initial-response/>`; `=` and the empty string are both the
 * message of zero length (RFC 6120 §6.4.2, XEP-0388 §2.2); an `<auth/>` without any content, however, has no initial
 * response at all, and that is `step(undefined)`. Throws `incorrect-encoding` or, when too long,
 * `malformed-request`.
 */
export function decodePayload(text: string): Buffer {
  if (text === '=') return Buffer.alloc(0)
  if (text.length > maxEncoded) throw new SaslError('malformed-request', 'SASL message too long')
  const data = decodeCanonicalBase64(text)
  if (data === undefined) throw new SaslError('incorrect-encoding', 'not valid base64')
  return data
}

/** Text of a mechanism message; throws `malformed-request` when it is no UTF-8. */
export function decodeUtf8(data: Buffer): string {
  if (!isUtf8(data)) throw new SaslError('malformed-request', 'not valid UTF-8')
  return data.toString('utf8')
}
