import { admit, localAccount } from './account.ts'
import { SaslError } from './error.ts'
import type { Link, Mechanism } from './mechanism.ts'
import { decodeUtf8 } from './payload.ts'

/** Accounts of this host that the client's certificate names; without one EXTERNAL is not offered. */
export function certificateAccounts(link: Link): readonly string[] {
  const accounts = link.certificateAddresses.map(address => localAccount(link, address))
  return [...new Set(accounts.filter(account => account !== undefined))]
}

/** EXTERNAL (RFC 4422 Appendix A) by client certificate, after the rules of XEP-0178 §2. */
export const external: Mechanism = {
  name: 'EXTERNAL',
  start(context, claim) {
    return async input => {
      const authzid = decodeUtf8(input)
      if (authzid.includes('\0')) throw new SaslError('malformed-request', 'not a valid EXTERNAL message')
      const user = choose(context, authzid)
      claim(user)
      return { success: await admit(context, user) }
    }
  },
}

function choose(link: Link, authzid: string): string {
  const accounts = certificateAccounts(link)
  const [only, second] = accounts
  if (only === undefined) throw new SaslError('not-authorized')
  if (authzid === '') {
    if (second === undefined) return only
    throw new SaslError('invalid-authzid', 'the certificate names several accounts')
  }
  const user = localAccount(link, authzid)
  if (user === undefined || !accounts.includes(user)) throw new SaslError('invalid-authzid')
  return user
}
