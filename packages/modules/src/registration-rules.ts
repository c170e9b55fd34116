import { Jid, JidError } from '@parley/jid'
import { PasswordError } from '@parley/sasl'
import { StanzaError } from '@parley/stanza'
import { StoreError } from '@parley/store'
import type { Element } from '@parley/xml'

export const REGISTER = 'jabber:iq:register'
const NAME_BYTES = 255

const SCRIPTS = ['Latin', 'Greek', 'Cyrillic', 'Armenian', 'Georgian', 'Hebrew', 'Arabic', 'Thai', 'Hangul'].map(
  name => new RegExp(`\\p{Script=${name}}`, 'u'),
)

/** The account that a registration asks for. @throws StanzaError where there can be none of that name */
export function accountOf(query: Element, domain: string): Jid {
  const username = query.textOf('username') ?? ''
  if (username === '') throw new StanzaError('not-acceptable', 'A username is needed')
  try {
    const account = Jid.of(username, domain)
    if (Buffer.byteLength(account.local) > NAME_BYTES)
      throw new StanzaError('not-acceptable', 'The username is too long')
    // Letters of two alphabets in one name are there to look like somebody else.
    if (SCRIPTS.filter(script => script.test(account.local)).length > 1) {
      throw new StanzaError('not-acceptable', 'The username mixes alphabets')
    }
    return account
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', `No username: ${error.message}`)
    throw error
  }
}

export function passwordOf(query: Element): string {
  const password = query.textOf('password') ?? ''
  if (password === '') throw new StanzaError('not-acceptable', 'A password is needed')
  return password
}

/** Turns what stores and SASL refuse into what XEP-0077 §3.1.1 answers. */
export async function asRefusals<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    if (error instanceof StoreError && error.code === 'account-exists')
      throw new StanzaError('conflict', 'The username is taken')
    if (error instanceof PasswordError)
      throw new StanzaError('not-acceptable', 'The password has characters that are not allowed')
    throw error
  }
}
