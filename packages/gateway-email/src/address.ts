import { domainToASCII } from 'node:url'

const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The one spelling of an address: `local@domain` in small letters, the domain in ASCII (RFC 5321 § 4.1.2 without quoted names and
 * address literals). Mail servers may tell capitals apart in a local part; none does.
 */
export function canonical(id: string): string | undefined {
  const at = id.lastIndexOf('@')
  if (at < 1 || id.length > 320) return undefined
  const local = id.slice(0, at).toLowerCase()
  const domain = asciiDomain(id.slice(at + 1))
  return LOCAL.test(local) && local.length <= 64 && domain !== undefined ? `${local}@${domain}` : undefined
}

function asciiDomain(raw: string): string | undefined {
  // Letters, digits and hyphens of any script: what else there is would be read as parts of a URL.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(raw)) return undefined
  const domain = domainToASCII(raw)
  const labels = domain.split('.')
  if (labels.length < 2 || domain.length > 253 || /^\d+$/.test(labels.at(-1)!)) return undefined
  return labels.every(label => LABEL.test(label)) && domainToASCII(domain) === domain ? domain : undefined
}

/** A local part of a JID as one of mail: bytes that are no plain sign there are `=` and two digits. */
export function localOf(node: string): string {
  return [...Buffer.from(node)]
    .map(byte => {
      const sign = String.fromCharCode(byte)
      return /[a-z0-9_-]/.test(sign) ? sign : `=${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}

/** The way back; undefined: nothing is written like this. */
export function nodeOf(local: string): string | undefined {
  if (!/^(?:[a-z0-9_-]|=[0-9a-f]{2})+$/.test(local)) return undefined
  const bytes = Buffer.from(
    local.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  const node = bytes.toString('utf8')
  return localOf(node) === local ? node : undefined
}
