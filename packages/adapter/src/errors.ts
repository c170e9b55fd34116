/**
 * Why something came to nothing, for the core to act on.
 *
 * `credentials`, `replaced`, `denied`: not tried again until somebody does something; `action`: the user is asked for more;
 * `transient`, `limited`: tried again, the latter not before `retryAfter`; `protocol`: the peer spoke nonsense.
 * Of a command: `not-found`, `blocked`, `too-large`, `unsupported`.
 */
export type Failure =
  | 'credentials'
  | 'replaced'
  | 'denied'
  | 'action'
  | 'transient'
  | 'limited'
  | 'protocol'
  | 'not-found'
  | 'blocked'
  | 'too-large'
  | 'unsupported'

/** The only kind of error that an adapter throws on purpose. Its text is read by users: no secrets, no bytes of the peer. */
export class AdapterError extends Error {
  override readonly name = 'AdapterError'
  readonly failure: Failure
  /** Milliseconds from now. */
  readonly retryAfter: number | undefined

  constructor(failure: Failure, message: string, retryAfter?: number) {
    super(message)
    this.failure = failure
    this.retryAfter = retryAfter
  }
}
