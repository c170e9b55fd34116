import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { crc32c } from './crc32c.ts'

/** What stands at the beginning of the connection is no PROXY header, or a broken one. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
}

/** The header of the PROXY protocol, versions 1 and 2. Sections are those of HAProxy's proxy-protocol.txt. */
export interface ProxyHeader {
  /** Bytes; what follows them is the client's. */
  readonly length: number
  /** The client's IP address; undefined where the proxy speaks for itself (health check) or knows of none. */
  readonly client: string | undefined
}

const V1 = Buffer.from('PROXY ')
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** §2.1: the longest line of version 1, CRLF included. */
const V1_BYTES = 107
const V2_FIXED = 16
/** What fits into the smallest segment that every host takes (RFC 1122 §3.3.3): a header leaves in one (§2). */
const V2_BYTES = 536

/** Whether `bytes`, as far as they go, are the beginning of a header. No bytes at all are. */
export function mayBeginHeader(bytes: Buffer): boolean {
  return [V1, V2].some(signature => {
    const length = Math.min(signature.length, bytes.length)
    return bytes.compare(signature, 0, length, 0, length) === 0
  })
}

/**
 * Reads the header at the beginning of `bytes`. Undefined: more must come.
 *
 * @throws ProxyHeaderError
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (!mayBeginHeader(bytes)) throw new ProxyHeaderError('no PROXY header')
  if (bytes.length === 0) return
  return bytes[0] === V1[0] ? readLine(bytes) : readBinary(bytes)
}

/** §2.1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`. */
function readLine(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, V1_BYTES).indexOf('\r\n')
  if (end < 0) {
    if (bytes.length >= V1_BYTES) throw new ProxyHeaderError(`a line of more than ${V1_BYTES} bytes`)
    return
  }
  const [, protocol, source, target, sourcePort, targetPort, ...more] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  // Whatever follows UNKNOWN is ignored.
  if (protocol === 'UNKNOWN') return { length, client: undefined }
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isPlainIPv6 : undefined
  if (!isAddress) throw new ProxyHeaderError('neither TCP4 nor TCP6 nor UNKNOWN')
  const isRight = isAddress(source ?? '') && isAddress(target ?? '') && isPort(sourcePort) && isPort(targetPort)
  if (!isRight || more.length > 0) throw new ProxyHeaderError('addresses or ports that are none')
  return { length, client: canonical(source!) }
}

/** Without the zone that `isIPv6` would let through. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

/** §2.1: no zeroes in front. */
function isPort(text: string | undefined): boolean {
  return text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

const LOCAL = 0
const PROXY = 1
/** §2.2: every pair of address family and transport that there is, with the length of its addresses. */
const FAMILIES: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
])
const TCP4 = 0x11
const TCP6 = 0x21

/** §2.2: signature, version and command, family, length; addresses; TLVs. */
function readBinary(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < V2_FIXED) return
  const version = bytes[12]! >> 4
  const command = bytes[12]! & 0x0f
  const family = bytes[13]!
  const addresses = FAMILIES.get(family)
  const length = V2_FIXED + bytes.readUInt16BE(14)
  if (version !== 2 || (command !== LOCAL && command !== PROXY)) throw new ProxyHeaderError('an unknown command')
  if (length > V2_BYTES) throw new ProxyHeaderError(`more than ${V2_BYTES} bytes`)
  if (bytes.length < length) return
  // §2.2: what LOCAL carries, the family included, is not looked at.
  if (command === LOCAL) return { length, client: undefined }
  if (addresses === undefined) throw new ProxyHeaderError('an unknown address family')
  // Nothing is known of the client, and what follows may be laid out in any way.
  if (family === 0) return { length, client: undefined }
  if (V2_FIXED + addresses > length) throw new ProxyHeaderError('addresses that are cut off')
  checkExtensions(bytes.subarray(0, length), V2_FIXED + addresses)
  return { length, client: sourceOf(bytes, family) }
}

/** Families that are valid and not TCP over IP count as unknown (§2.2). */
function sourceOf(bytes: Buffer, family: number): string | undefined {
  if (family === TCP4) return bytes.subarray(V2_FIXED, V2_FIXED + 4).join('.')
  if (family !== TCP6) return
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(V2_FIXED + 2 * n).toString(16))
  return canonical(groups.join(':'))
}

const CRC32C = 0x03

/** §2.2.3: the checksum of the header, where there is one, must be right; other extensions are skipped. */
function checkExtensions(header: Buffer, start: number): void {
  let at = start
  while (at < header.length) {
    const value = at + 3
    const next = value + (value <= header.length ? header.readUInt16BE(at + 1) : 0)
    if (value > header.length || next > header.length) throw new ProxyHeaderError('an extension that is cut off')
    if (header[at] === CRC32C) {
      if (next - value !== 4) throw new ProxyHeaderError('a checksum that is not 4 bytes long')
      if (header.readUInt32BE(value) !== crc32c(header, value, next)) throw new ProxyHeaderError('a wrong checksum')
    }
    at = next
  }
}

/** As sockets write it, so that one client has one name. */
function canonical(address: string): string {
  return isIPv4(address) ? address : new SocketAddress({ address, family: 'ipv6' }).address
}
