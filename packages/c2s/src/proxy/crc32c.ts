/** The polynomial of CRC-32C (RFC 3720 §B.4), bits reversed. */
const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1
  return rest
})

/** CRC-32C of `bytes`, of which those from `start` to before `end` count as zero. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let rest = 0xffffffff
  for (let i = 0; i < bytes.length; i++) {
    const byte = i >= start && i < end ? 0 : bytes[i]!
    rest = (rest >>> 8) ^ TABLE[(rest ^ byte) & 0xff]!
  }
  return ~rest >>> 0
}
