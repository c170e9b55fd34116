import { digest, hashLength } from './digest.ts'
import { type ScramKeys, type ScramParameters, saltLength, scramHash } from './scram-mechanism.ts'

/**
 * Keys for somebody who has none: always the same for the same name, so that a client asking twice sees one salt as
 * it would for an account (RFC 5802 §9; XEP-0388 §3 on enumeration). No password matches them.
 */
export function decoyKeys(
  secret: Buffer,
  parameters: Omit<ScramParameters, 'salt'>,
  host: string,
  user: string,
): ScramKeys {
  const { mechanism } = parameters
  const derive = (label: string) => digest.hmac('sha512', secret, [label, mechanism, host, user].join('\0'))
  const length = hashLength[scramHash[mechanism]]
  return {
    ...parameters,
    salt: derive('salt').subarray(0, saltLength),
    storedKey: derive('stored key').subarray(0, length),
    serverKey: derive('server key').subarray(0, length),
  }
}
