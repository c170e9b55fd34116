import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** Salted passwords: PBKDF2 is the client's work, and the same client logs in many times. */
const salted = new Map<string, Buffer>()

/** The client's side of SCRAM-SHA-1 without channel binding (RFC 5802). Both texts are base64. */
export interface Scram {
  readonly first: string
  answer(challenge: string): string
}

export function scramSha1(user: string, password: string): Scram {
  const bare = `n=${user},r=${randomBytes(12).toString('base64')}`
  return {
    first: base64(`n,,${bare}`),
    answer(challenge) {
      const first = Buffer.from(challenge, 'base64').toString()
      const { r: nonce, s: salt, i: iterations } = Object.fromEntries(first.split(',').map(pair => split(pair)))
      if (!nonce || !salt || !iterations) throw new Error(`No SCRAM challenge: ${first}`)
      const withoutProof = `c=${base64('n,,')},r=${nonce}`
      const clientKey = hmac(saltedPassword(password, salt, Number(iterations)), 'Client Key')
      const storedKey = createHash('sha1').update(clientKey).digest()
      const signature = hmac(storedKey, `${bare},${first},${withoutProof}`)
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
      return base64(`${withoutProof},p=${proof.toString('base64')}`)
    },
  }
}

function saltedPassword(password: string, salt: string, iterations: number): Buffer {
  const key = `${password} ${salt} ${iterations}`
  const known = salted.get(key)
  if (known) return known
  const made = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, 20, 'sha1')
  salted.set(key, made)
  return made
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha1', key).update(text).digest()
}

function split(pair: string): [string, string] {
  return [pair.slice(0, 1), pair.slice(2)]
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
