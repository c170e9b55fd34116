import { saslprep } from '@mongodb-js/saslprep'
import { opaqueString } from '@parley/jid'

/** The password cannot be prepared: empty, too long, or made of characters that no profile allows. Holds no part of it. */
export class PasswordError extends Error {
  override readonly name = 'PasswordError'

  constructor() {
    super('the password is empty, too long or holds characters that are not allowed')
  }
}

/** Octets, as for the other prepared strings of RFC 7622 and for `opaqueString`. */
const maxPassword = 1023

/**
 * The form in which a password is hashed. RFC 5802 §2.2 has the client apply SASLprep before PBKDF2 and the server can
 * only follow, so SASLprep decides, with unassigned code points allowed as in a query (RFC 4013 §2.5): else every
 * emoji since Unicode 3.2 would be refused. Strings that SASLprep prohibits (mixed writing directions, mostly) take
 * OpaqueString (RFC 8265 §4.2) instead. Both profiles give the same result wherever NFC and NFKC do, that is for
 * every usual password, so a client with either one gets in. Throws PasswordError.
 */
export function preparePassword(password: string): string {
  if (password.length > maxPassword) throw new PasswordError()
  const prepared = attempt(() => saslprep(password, { allowUnassigned: true })) ?? attempt(() => opaqueString(password))
  if (prepared === undefined || prepared === '' || Buffer.byteLength(prepared) > maxPassword) throw new PasswordError()
  return prepared
}

function attempt(prepare: () => string): string | undefined {
  try {
    return prepare()
  } catch {
    return undefined
  }
}
