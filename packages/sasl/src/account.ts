import { Jid, JidError, prepareLocal } from '@parley/jid'
import { SaslError } from './error.ts'
import type { Identity, Link, MechanismContext } from './mechanism.ts'

/**
 * The one way from a right proof to an identity: looks at the account's state, so a retired user is refused by every
 * mechanism and only somebody who holds the credentials learns that the account is disabled (RFC 6120 §6.5.2, §6.5.3).
 */
export async function admit(context: MechanismContext, user: string): Promise<Identity> {
  const status = await context.credentials.status(user)
  if (status === 'disabled') throw new SaslError('account-disabled')
  if (status === 'expired') throw new SaslError('credentials-expired')
  if (status === undefined) throw new SaslError('not-authorized')
  return { user, host: context.host }
}

/** The localpart a client gave as its user name. One that can be no localpart is no account: `not-authorized`. */
export function prepareUser(name: string): string {
  const user = prepared(() => prepareLocal(name))
  if (user === undefined) throw new SaslError('not-authorized')
  return user
}

/** Nobody acts for somebody else here: an authorization identity must be the user's own bare JID (RFC 6120 §6.3.8). */
export function requireOwnAuthzid(link: Link, authzid: string, user: string): void {
  if (authzid !== '' && localAccount(link, authzid) !== user) throw new SaslError('invalid-authzid')
}

/** The localpart when `address` is the bare JID of an account on this host. */
export function localAccount(link: Link, address: string): string | undefined {
  const jid = prepared(() => Jid.parse(address))
  return jid?.isBare && jid.local !== '' && jid.domain === link.host ? jid.local : undefined
}

function prepared<T>(prepare: () => T): T | undefined {
  try {
    return prepare()
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
