import { isUtf8 } from 'node:buffer'
import { Jid, JidError } from '@parley/jid'
import { type Der, DerError, OCTET_STRING, OID, openDer, readDer, SEQUENCE, UTF8_STRING } from './der.ts'

/** id-on-xmppAddr, 1.3.6.1.5.5.7.8.5 (RFC 6120 §13.7.1.4). */
const XMPP_ADDR = '2b06010505070805'
const SUBJECT_ALT_NAME = '551d11'
/** Context tags of TBSCertificate and GeneralName (RFC 5280 §4.1, §4.2.1.6). */
const EXTENSIONS = 0xa3
const OTHER_NAME = 0xa0
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
    return alternativeNames(certificate).slice(0, NAMES).flatMap(xmppAddress)
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
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
  const [body] = openDer(certificate)
  const extensions = readDer(body?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === EXTENSIONS)
  if (!extensions) return []
  for (const extension of openDer(extensions.content)) {
    const parts = readDer(extension.content)
    if (parts[0]?.content.toString('hex') !== SUBJECT_ALT_NAME) continue
    const value = parts.find(({ tag }) => tag === OCTET_STRING)
    const names = value ? readDer(value.content)[0] : undefined
    return names?.tag === SEQUENCE ? readDer(names.content) : []
  }
  return []
}

function xmppAddress(name: Der): string[] {
  if (name.tag !== OTHER_NAME) return []
  const [type, value] = readDer(name.content)
  if (type?.tag !== OID || type.content.toString('hex') !== XMPP_ADDR || value?.tag !== EXPLICIT_0) return []
  const [text, ...more] = readDer(value.content)
  if (text?.tag !== UTF8_STRING || more.length > 0 || !isUtf8(text.content)) return []
  try {
    const jid = Jid.parse(text.content.toString())
    return jid.isBare && jid.local !== '' ? [jid.text] : []
  } catch (error) {
    if (error instanceof JidError) return []
    throw error
  }
}
