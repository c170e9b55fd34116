import { randomBytes } from 'node:crypto'
import { digest, equalSecrets, hashLength } from './digest.ts'
import { SaslError } from './error.ts'
import { preparePassword } from './password.ts'
import {
  defaultIterations,
  type ScramKeys,
  type ScramMechanism,
  type ScramParameters,
  saltLength,
  scramHash,
} from './scram-mechanism.ts'
import { Turnstile } from './turnstile.ts'

/** Slow on purpose, so that a flood of passwords would keep every thread busy for as long as it likes. */
const hashing = new Turnstile()

const minIterations = 4096
const maxIterations = 10_000_000

/** A fresh salt; what XEP-0480 §3 sends in `<salt/>`. Throws RangeError below 4096 iterations. */
export function newScramParameters(
  mechanism: ScramMechanism,
  iterations: number = defaultIterations[mechanism],
): ScramParameters {
  return checked({ mechanism, iterations, salt: randomBytes(saltLength) })
}

/** Keys of a new password. Throws PasswordError, RangeError. */
export async function deriveScramKeys(
  password: string,
  mechanism: ScramMechanism,
  options: { readonly iterations?: number; readonly salt?: Buffer } = {},
): Promise<ScramKeys> {
  const fresh = newScramParameters(mechanism, options.iterations)
  const parameters = options.salt === undefined ? fresh : checked({ ...fresh, salt: options.salt })
  return keysOf(parameters, await saltedPassword(preparePassword(password), parameters))
}

/**
 * Keys from the SaltedPassword that a client computed for an upgrade task (XEP-0480 §3), to be stored after it has
 * authenticated in full. `parameters` must be those that the server sent.
 */
export function keysFromSaltedPassword(parameters: ScramParameters, salted: Buffer): ScramKeys {
  if (salted.length !== hashLength[scramHash[parameters.mechanism]]) {
    throw new SaslError('malformed-request', 'salted password of the wrong length')
  }
  return keysOf(checked(parameters), salted)
}

/** Task name of XEP-0480 §3; never with `-PLUS`. */
export function upgradeTask(mechanism: ScramMechanism): string {
  return `UPGR-${mechanism}`
}

/**
 * Whether the password is the one that the keys were made of; a password that cannot be prepared is not. Rejects with
 * SaslError where so many are being looked at that this one would have to wait for long.
 */
export async function verifyPassword(password: string, keys: ScramKeys): Promise<boolean> {
  let prepared: string
  try {
    prepared = preparePassword(password)
  } catch {
    return false
  }
  if (!hashing.isQuick) throw new SaslError('temporary-auth-failure', 'too many logins at once', { untested: true })
  const hash = scramHash[keys.mechanism]
  const salted = await saltedPassword(prepared, keys)
  return equalSecrets(digest.hash(hash, digest.hmac(hash, salted, 'Client Key')), keys.storedKey)
}

function saltedPassword(prepared: string, { mechanism, salt, iterations }: ScramParameters): Promise<Buffer> {
  return hashing.pass(() => digest.pbkdf2(scramHash[mechanism], prepared, salt, iterations))
}

function keysOf({ mechanism, salt, iterations }: ScramParameters, salted: Buffer): ScramKeys {
  const hash = scramHash[mechanism]
  const storedKey = digest.hash(hash, digest.hmac(hash, salted, 'Client Key'))
  return { mechanism, salt, iterations, storedKey, serverKey: digest.hmac(hash, salted, 'Server Key') }
}

function checked(parameters: ScramParameters): ScramParameters {
  const { iterations, salt } = parameters
  if (!Number.isInteger(iterations) || iterations < minIterations || iterations > maxIterations) {
    throw new RangeError(`SCRAM iteration count must be ${minIterations} to ${maxIterations}`)
  }
  if (salt.length === 0) throw new RangeError('SCRAM salt must not be empty')
  return parameters
}
