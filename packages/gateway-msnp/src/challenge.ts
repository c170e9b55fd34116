import { createHash } from 'node:crypto'

/** What Messenger 7.5 calls itself, and the key to that. */
export const PRODUCT = 'PROD0090YUAUV{2B'
const KEY = 'YMM8C_H7KCQ2S_KL'

const MASK = 0x7fffffffn
const FACTOR = 0x0e79a9c1n

/** The 32 digits that answer a CHL from MSNP11 on. */
export function answerChallenge(challenge: string, product = PRODUCT, key = KEY): string {
  const md5 = createHash('md5')
    .update(challenge + key)
    .digest()
  const words = [0, 4, 8, 12].map(at => BigInt(md5.readUInt32LE(at)) & MASK) as [bigint, bigint, bigint, bigint]
  const text = challenge + product
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8, '0'), 'latin1')
  let high = 0n
  let low = 0n
  for (let at = 0; at < padded.length; at += 8) {
    const first = (FACTOR * BigInt(padded.readUInt32LE(at))) % MASK
    const mixed = (words[0] * (first + high) + words[1]) % MASK
    const second = BigInt(padded.readUInt32LE(at + 4))
    high = (words[2] * ((second + mixed) % MASK) + words[3]) % MASK
    low += high + mixed
  }
  high = (high + words[1]) % MASK
  low = (low + words[3]) % MASK
  const out = Buffer.from(md5)
  for (const [at, word] of [high, low, high, low].entries())
    out.writeUInt32LE((out.readUInt32LE(at * 4) ^ Number(word)) >>> 0, at * 4)
  return out.toString('hex')
}
