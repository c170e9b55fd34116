import type { Capabilities } from './capabilities.ts'
import type { Context } from './context.ts'
import type { Session } from './session.ts'
import type { Settings } from './settings.ts'

/**
 * How another network is spoken: the default export of a package of its own. An adapter is protocol and nothing else; it never
 * sees a stanza, a database or another account. Contacts, archive, ids, policy, secrets, retries and limits are the core's.
 */
export interface Adapter<S extends Settings = Settings> {
  /** Also the name of the package, `@parley/gateway-<id>`: lower-case letters and digits. */
  readonly id: string
  readonly title: string
  /**
   * `account`: each user has an account there, and a session of its own. `federation`: one session for all users, each of whom
   * has an address there that is made of the one here.
   */
  readonly mode: 'account' | 'federation'
  /** The edition of this interface that it is written for. */
  readonly edition: 1
  readonly capabilities: Capabilities
  /** What an operator sets for a provider: host, port, TLS and the like. */
  readonly settings: S
  /** What a user is asked for, in this order; the core shows it as a form, a command or a conversation. Only with accounts. */
  readonly login: readonly LoginField[]
  /**
   * The one spelling of an address of the network, or undefined for what is none. Pure, for every text there is, and
   * `canonical(canonical(x)) === canonical(x)`.
   */
  canonical(id: string): string | undefined
  /** Makes a session that has not begun. */
  create(context: Context<S>): Session
}

export interface LoginField {
  readonly name: string
  readonly label: string
  /** `secret` is kept sealed, and never shown or logged. */
  readonly type: 'text' | 'secret'
  readonly required: boolean
}

export function defineAdapter<S extends Settings>(adapter: Adapter<S>): Adapter<S> {
  return adapter
}
