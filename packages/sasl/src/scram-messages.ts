import { SaslError } from './error.ts'
import { decodeCanonicalBase64 } from './payload.ts'

export interface ClientFirst {
  /** The gs2-header as it came, with both commas: it returns in `c=`. */
  readonly gs2Header: string
  readonly flag: 'n' | 'y' | 'p'
  /** Channel binding type of `p=`, else ''. */
  readonly bindingType: string
  /** '' when absent. */
  readonly authzid: string
  readonly username: string
  readonly nonce: string
  /** client-first-message-bare */
  readonly bare: string
}

export interface ClientFinal {
  /** gs2-header and channel binding data that `c=` claims. */
  readonly binding: Buffer
  readonly nonce: string
  readonly proof: Buffer
  /** client-final-message-without-proof */
  readonly withoutProof: string
}

// RFC 5802 §7: cb-name; printable = %x21-2B / %x2D-7E; saslname escapes; attr-val with its value-char.
const bindingName = /^[A-Za-z0-9.-]+$/
const printable = /^[!-+\--~]+$/
const strayEquals = /=(?!2C|3D)/
const extension = /^[A-Za-z]=[^\0]+$/
/** Letters that RFC 5802 §5.1 gives a meaning at another place; `m` stands for a mandatory extension. */
const reserved = /^[aceimnprsv]=/

function malformed(): SaslError {
  return new SaslError('malformed-request', 'not a valid SCRAM message')
}

/** client-first-message (RFC 5802 §7). Throws `malformed-request`. */
export function parseClientFirst(message: string): ClientFirst {
  if (message.includes('\0')) throw malformed()
  const [flagPart = '', authzidPart, ...bareParts] = message.split(',')
  const [usernamePart, noncePart, ...extensions] = bareParts
  if (authzidPart === undefined) throw malformed()
  requireExtensions(extensions)
  return {
    gs2Header: `${flagPart},${authzidPart},`,
    ...parseFlag(flagPart),
    authzid: authzidPart === '' ? '' : saslname(authzidPart, 'a='),
    // A mandatory extension would stand here as `m=`; none is supported, so the exchange must fail (RFC 5802 §5.1).
    username: saslname(usernamePart, 'n='),
    nonce: nonce(noncePart),
    bare: bareParts.join(','),
  }
}

/** client-final-message (RFC 5802 §7); the proof must be `proofLength` octets. Throws `malformed-request`. */
export function parseClientFinal(message: string, proofLength: number): ClientFinal {
  if (message.includes('\0')) throw malformed()
  const [bindingPart, noncePart, ...rest] = message.split(',')
  const proofPart = rest.pop()
  requireExtensions(rest)
  const proof = base64(proofPart, 'p=')
  if (proof.length !== proofLength) throw malformed()
  return {
    binding: base64(bindingPart, 'c='),
    nonce: nonce(noncePart),
    proof,
    withoutProof: message.slice(0, message.lastIndexOf(',')),
  }
}

function parseFlag(part: string): Pick<ClientFirst, 'flag' | 'bindingType'> {
  if (part === 'n' || part === 'y') return { flag: part, bindingType: '' }
  const bindingType = value(part, 'p=')
  if (!bindingName.test(bindingType)) throw malformed()
  return { flag: 'p', bindingType }
}

function value(part: string | undefined, prefix: string): string {
  if (part === undefined || !part.startsWith(prefix) || part.length === prefix.length) throw malformed()
  return part.slice(prefix.length)
}

function saslname(part: string | undefined, prefix: string): string {
  const escaped = value(part, prefix)
  if (strayEquals.test(escaped)) throw malformed()
  return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function nonce(part: string | undefined): string {
  const text = value(part, 'r=')
  if (!printable.test(text)) throw malformed()
  return text
}

function base64(part: string | undefined, prefix: string): Buffer {
  const data = decodeCanonicalBase64(value(part, prefix))
  if (data === undefined) throw malformed()
  return data
}

function requireExtensions(parts: readonly string[]): void {
  if (parts.some(part => !extension.test(part) || reserved.test(part))) throw malformed()
}
