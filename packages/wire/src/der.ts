/** One value of a DER encoding (ITU-T X.690): its identifier octet and its contents. */
export interface Der {
  readonly tag: number
  readonly content: Buffer
}

/** The bytes are no DER that a certificate may hold. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

export const OID = 0x06
export const OCTET_STRING = 0x04
export const UTF8_STRING = 0x0c
export const IA5_STRING = 0x16
export const SEQUENCE = 0x30

/** The values that stand one after another in `bytes`. @throws DerError where a length does not fit */
export function readDer(bytes: Buffer): Der[] {
  const values: Der[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at]!
    const first = bytes[at + 1]
    if (first === undefined) throw new DerError('value is cut')
    let length = first
    at += 2
    if (first > 0x7f) {
      const octets = first & 0x7f
      // No certificate needs more than four octets; 0x80 would be BER's indefinite form.
      if (octets === 0 || octets > 4 || at + octets > bytes.length) throw new DerError('length of an unknown form')
      length = bytes.readUIntBE(at, octets)
      at += octets
    }
    if (at + length > bytes.length) throw new DerError('value is cut')
    values.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return values
}

/** The contents of the only value in `bytes`, opened. @throws DerError */
export function openDer(bytes: Buffer): Der[] {
  const [outer] = readDer(bytes)
  if (!outer) throw new DerError('nothing there')
  return readDer(outer.content)
}
