import { createHash } from 'node:crypto'
import { AdapterError } from '@parley/adapter'

/** The salt that every program used. */
const SALT = '_2S43d5f'
/** Places of the challenge that name the letter in front, and the order of the three parts, by its last letter. */
const ORDERS = [
  { place: 7, order: ['hash', 'user', 'seed'] },
  { place: 9, order: ['user', 'seed', 'hash'] },
  { place: 15, order: ['seed', 'hash', 'user'] },
  { place: 1, order: ['user', 'hash', 'seed'] },
  { place: 3, order: ['hash', 'seed', 'user'] },
] as const

/**
 * What answers the challenge of version 9 and 10: the fields 6 and 96.
 * @throws AdapterError where the challenge is none of that kind
 */
export function answerChallenge(user: string, password: string, seed: string): readonly [string, string] {
  const letters = Buffer.from(seed, 'latin1')
  if (letters.length < 16) throw new AdapterError('protocol', 'The challenge of the server is of another version')
  const { place, order } = ORDERS[((letters[15] as number) % 8) % 5] as (typeof ORDERS)[number]
  const checksum = seed.charAt((letters[place] as number) % 16)
  const answer = (hash: string) => {
    const parts = { hash, user, seed }
    return yahoo64(md5(checksum + order.map(part => parts[part]).join('')))
  }
  return [answer(yahoo64(md5(password))), answer(yahoo64(md5(md5Crypt(password, SALT))))]
}

const md5 = (text: string | Buffer) => createHash('md5').update(text).digest()

/** Base 64 with three other letters. */
function yahoo64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '.').replaceAll('/', '_').replaceAll('=', '-')
}

const CRYPT_LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The `$1$` scheme of crypt(3). */
export function md5Crypt(password: string, salt: string): string {
  const secret = Buffer.from(password)
  const inner = md5(Buffer.concat([secret, Buffer.from(salt), secret]))
  const start: Buffer[] = [secret, Buffer.from(`$1$${salt}`)]
  for (let left = secret.length; left > 0; left -= 16) start.push(inner.subarray(0, Math.min(16, left)))
  // The one bits of the length stand for a zero byte, the others for the first letter.
  for (let bits = secret.length; bits > 0; bits >>= 1) start.push(bits & 1 ? Buffer.from([0]) : secret.subarray(0, 1))
  let final = md5(Buffer.concat(start))
  for (let round = 0; round < 1000; round++) {
    const parts = [round & 1 ? secret : final]
    if (round % 3) parts.push(Buffer.from(salt))
    if (round % 7) parts.push(secret)
    parts.push(round & 1 ? final : secret)
    final = md5(Buffer.concat(parts))
  }
  const groups: readonly (readonly number[])[] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]]
  const letters = groups.map(group => {
    let value = group.reduce((sum, at) => (sum << 8) | (final[at] as number), 0)
    let text = ''
    for (let i = 0; i < (group.length === 3 ? 4 : 2); i++) {
      text += CRYPT_LETTERS.charAt(value & 63)
      value >>= 6
    }
    return text
  })
  return `$1$${salt}$${letters.join('')}`
}
