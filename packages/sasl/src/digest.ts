import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export type HashName = 'sha1' | 'sha256' | 'sha512'

/** Octets of output. */
export const hashLength: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32, sha512: 64 }

const pbkdf2Async = promisify(pbkdf2)

/** Every cryptographic operation of this package goes through here, so that tests can count what a login costs. */
export const digest = {
  hash(name: HashName, data: Buffer): Buffer {
    return createHash(name).update(data).digest()
  },

  hmac(name: HashName, key: Buffer, ...data: readonly (Buffer | string)[]): Buffer {
    const hmac = createHmac(name, key)
    for (const part of data) hmac.update(part)
    return hmac.digest()
  },

  /** Runs on libuv's thread pool: the event loop stays free. */
  pbkdf2(name: HashName, password: string, salt: Buffer, iterations: number): Promise<Buffer> {
    return pbkdf2Async(Buffer.from(password), salt, iterations, hashLength[name], name)
  },

  /** 144 random bits; base64 of 18 octets has no padding and no comma, so it is a valid nonce (RFC 5802 §7). */
  nonce(): string {
    return randomBytes(18).toString('base64')
  },
}

/** Equality in a time that depends on the lengths only. */
export function equalSecrets(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
