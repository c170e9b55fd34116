/** The conditions of RFC 6120 §6.5, as they stand inside `<failure/>` of SASL1 and SASL2. */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

/**
 * A refused authentication. `message` may be shown to the peer: it is one of a fixed set of sentences and never holds
 * anything the peer or the store sent. `cause`, when present, is the store's own error, for the server's log only.
 */
export class SaslError extends Error {
  override readonly name = 'SaslError'
  readonly condition: SaslCondition
  /** No secret was looked at: a client that now tries its next mechanism has not guessed. */
  readonly untested: boolean

  constructor(condition: SaslCondition, message: string = condition, options?: ErrorOptions & { untested?: boolean }) {
    super(message, options)
    this.condition = condition
    this.untested = options?.untested ?? false
  }
}
