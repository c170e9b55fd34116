/// <reference path="./tr46.d.ts" />
import { isIPv6 } from 'node:net'
import tr46 from 'tr46'
import { JidError, requireBytes, requireLength } from './errors.ts'

/** One lower-case label, without a hyphen at an end and without the `??--` that marks other encodings (RFC 5890 §2.3.1). */
const PLAIN_LABEL = /^(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** The dots of UTS #46: every one of them separates labels, and one of them at the end belongs to no label. */
const FINAL_DOT = /[.\u3002\uff0e\uff61]$/
const STRICT = {
  checkBidi: true,
  checkHyphens: true,
  checkJoiners: true,
  useSTD3ASCIIRules: true,
  verifyDNSLength: true,
}

/**
 * RFC 7622 §3.2: the canonical form of a domain, with U-labels; `[…]` holds an IPv6 address, in its RFC 5952 form.
 * A-labels, other letter case, other dots and one dot at the end are mapped to it.
 */
export function prepareDomain(domain: string): string {
  if (isPlain(domain)) return domain
  requireLength('domain', domain)
  if (domain.startsWith('[')) return ipv6(domain)
  const name = domain.replace(FINAL_DOT, '')
  if (name === '') throw new JidError('domain', 'is empty')
  const ascii = requireName(tr46.toASCII(name, STRICT))
  const unicode = tr46.toUnicode(name, STRICT)
  // What does not come back to the same A-labels would be two addresses.
  requireName(!unicode.error && tr46.toASCII(unicode.domain, STRICT) === ascii)
  return requireBytes('domain', unicode.domain)
}

function requireName<T>(found: T | null | false): T {
  if (found === null || found === false)
    throw new JidError('domain', 'is no internationalised domain name (RFC 5890, UTS #46)')
  return found
}

/** The A-labels of a canonical domain, as DNS, TLS and URLs know it; undefined for what is no name, such as `[::1]`. */
export function asciiDomain(domain: string): string | undefined {
  return isPlain(domain) ? domain : (tr46.toASCII(domain, STRICT) ?? undefined)
}

function isPlain(domain: string): boolean {
  if (domain.length > 253) return false
  for (const label of domain.split('.')) if (!PLAIN_LABEL.test(label)) return false
  return true
}

function ipv6(domain: string): string {
  const address = domain.slice(1, -1)
  // Zone identifiers mean something on one machine only (RFC 4007 §6).
  if (!domain.endsWith(']') || !isIPv6(address) || address.includes('%')) {
    throw new JidError('domain', 'has brackets without an IPv6 address')
  }
  return new URL(`http://${domain}`).hostname
}
