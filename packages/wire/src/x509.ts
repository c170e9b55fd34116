import { isUtf8 } from 'node:buffer'
import { domainToASCII } from 'node:url'
import { Jid } from '@parley/jid'
import { type Der, DerError, IA5_STRING, OID, openDer, readDer, SEQUENCE, UTF8_STRING } from './der.ts'
import { certificateExtensions } from './extensions.ts'

/** id-on-xmppAddr, 1.3.6.1.5.5.7.8.5 (RFC 6120 §13.7.1.4). */
const XMPP_ADDR = '2b06010505070805'
/** id-on-dnsSRV, 1.3.6.1.5.5.7.8.7 (RFC 4985 §2). */
const DNS_SRV = '2b06010505070807'
const SERVER_SERVICE = '_xmpp-server.'
const SUBJECT_ALT_NAME = '551d11'
/** Context tags of GeneralName (RFC 5280 §4.2.1.6). */
const OTHER_NAME = 0xa0
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87
const EXPLICIT_0 = 0xa0
const NAMES = 64

/**
 * The JIDs that a client certificate names, canonical; never a common name or an e-mail address. Reads the encoding itself:
 * a printed subjectAltName can be crafted so that one name looks like several (CVE-2021-44532).
 *
 * @param certificate DER
 */
export function xmppAddresses(certificate: Buffer): string[] {
  try {
    return alternativeNames(certificate)
      .slice(0, NAMES)
      .flatMap(addresses)
      .filter(jid => jid.local !== '')
      .map(jid => jid.text)
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}

/**
 * Whether a certificate is that of an XMPP server of `domain` (RFC 9525 §6, RFC 6120 §13.7.2): by a DNS name, whose left-most
 * label may be `*`, by an SRV name, or by an XMPP address; never by a common name.
 *
 * @param certificate DER
 * @param domain as it is prepared, with U-labels
 */
export function namesServer(certificate: Buffer, domain: string): boolean {
  const ascii = domainToASCII(domain).toLowerCase()
  if (ascii === '') return false
  try {
    return alternativeNames(certificate)
      .slice(0, NAMES)
      .some(
        name =>
          namesDns(name, ascii) ||
          namesService(name, ascii) ||
          addresses(name).some(jid => jid.text === domain) ||
          (name.tag === IP_ADDRESS && ipAddress(name.content) === domain),
      )
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}

/** The domains that a certificate names as {@link namesServer} reads it, in the order in which they stand there; in ASCII. */
export function serverNames(certificate: Buffer): string[] {
  try {
    const names = alternativeNames(certificate).slice(0, NAMES).flatMap(serverName)
    return [...new Set(names)].map(name => name.replace(/[^\x21-\x7e]/g, '?'))
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}

function serverName(name: Der): string[] {
  if (name.tag === IP_ADDRESS) return [ipAddress(name.content)]
  if (name.tag === DNS_NAME) return [name.content.toString('latin1')]
  const service = otherName(name, DNS_SRV)?.content.toString('latin1')
  if (service !== undefined) return service.startsWith(SERVER_SERVICE) ? [service.slice(SERVER_SERVICE.length)] : []
  return addresses(name).map(jid => (jid.local === '' ? domainToASCII(jid.domain) : jid.text))
}

/** As a domain is written that is an address (RFC 5280 §4.2.1.6, RFC 6122 §2.2). */
function ipAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return ''
  const words = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname
}

function namesDns({ tag, content }: Der, ascii: string): boolean {
  return tag === DNS_NAME && isNameOf(content.toString('latin1').toLowerCase(), ascii)
}

function namesService(name: Der, ascii: string): boolean {
  const service = otherName(name, DNS_SRV)
  if (service?.tag !== IA5_STRING) return false
  const text = service.content.toString('latin1').toLowerCase()
  return text.startsWith(SERVER_SERVICE) && isNameOf(text.slice(SERVER_SERVICE.length), ascii)
}

/** RFC 9525 §6.3: a wildcard is the whole left-most label, and stands for exactly one. */
function isNameOf(presented: string, ascii: string): boolean {
  if (!presented.startsWith('*.')) return presented === ascii
  const dot = ascii.indexOf('.')
  const rest = ascii.slice(dot)
  return dot > 0 && rest.indexOf('.', 1) > 0 && presented.slice(1) === rest
}

/** The object identifier of the algorithm that signed a certificate, and its parameters. */
export function signatureAlgorithm(certificate: Buffer): {
  readonly oid: string
  readonly parameters: Der | undefined
} {
  const [, algorithm] = openDer(certificate)
  if (!algorithm) throw new DerError('no signature algorithm')
  const [oid, parameters] = readDer(algorithm.content)
  return { oid: oid?.content.toString('hex') ?? '', parameters }
}

function alternativeNames(certificate: Buffer): Der[] {
  const extension = certificateExtensions(certificate).find(({ id }) => id === SUBJECT_ALT_NAME)
  const names = extension && readDer(extension.value)[0]
  return names?.tag === SEQUENCE ? readDer(names.content) : []
}

function addresses(name: Der): Jid[] {
  const text = otherName(name, XMPP_ADDR)
  if (text?.tag !== UTF8_STRING || !isUtf8(text.content)) return []
  const jid = Jid.tryParse(text.content.toString())
  return jid?.isBare ? [jid] : []
}

/** The only value of an otherName of that type. */
function otherName(name: Der, oid: string): Der | undefined {
  if (name.tag !== OTHER_NAME) return
  const [type, value] = readDer(name.content)
  if (type?.tag !== OID || type.content.toString('hex') !== oid || value?.tag !== EXPLICIT_0) return
  const [only, ...more] = readDer(value.content)
  return more.length === 0 ? only : undefined
}
