import { admit, prepareUser, requireOwnAuthzid } from './account.ts'
import { decoyKeys } from './decoy.ts'
import { SaslError } from './error.ts'
import type { Mechanism } from './mechanism.ts'
import { decodeUtf8 } from './payload.ts'
import { verifyPassword } from './scram-keys.ts'
import { type ScramKeys, scramMechanisms } from './scram-mechanism.ts'

/** PLAIN (RFC 4616). No password is stored: it is checked against the strongest SCRAM keys of the account. */
export const plain: Mechanism = {
  name: 'PLAIN',
  start(context, claim) {
    return async input => {
      const { authzid, username, password } = parse(input)
      const user = prepareUser(username)
      requireOwnAuthzid(context, authzid, user)
      claim(user)
      const stored = strongest(await context.credentials.scramKeys(user))
      const mechanism = scramMechanisms[0]!
      const iterations = context.policy.iterations[mechanism]
      // Made for everybody, so that known and unknown names cost the same.
      const decoy = decoyKeys(context.decoySecret, { mechanism, iterations }, context.host, user)
      const right = await verifyPassword(password, stored ?? decoy)
      if (!right || stored === undefined) throw new SaslError('not-authorized')
      return { success: await admit(context, user) }
    }
  },
}

/** RFC 4616 §2: [authzid] NUL authcid NUL passwd, and no NUL within them. */
function parse(input: Buffer): { authzid: string; username: string; password: string } {
  const [authzid, username, password, ...rest] = decodeUtf8(input).split('\0')
  if (authzid === undefined || !username || !password || rest.length > 0) {
    throw new SaslError('malformed-request', 'not a valid PLAIN message')
  }
  return { authzid, username, password }
}

function strongest(keys: readonly ScramKeys[]): ScramKeys | undefined {
  for (const mechanism of scramMechanisms) {
    const found = keys.find(candidate => candidate.mechanism === mechanism)
    if (found !== undefined) return found
  }
  return undefined
}
