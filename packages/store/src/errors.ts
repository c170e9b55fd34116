export type StoreErrorCode =
  /** The account name is taken, or reserved after a deletion. */
  | 'account-exists'
  /** The caller's cap on the number of entries is reached. */
  | 'full'
  /** What was to be replaced is not what the caller has seen: somebody else was faster. */
  | 'changed'
  /** Too many rows wait for a database that does not take them: shed load. */
  | 'busy'
  /** Somebody else has taken over what this was for: nothing was stored. */
  | 'fenced'
  /** The database cannot be reached now; the operation may or may not have happened. */
  | 'unavailable'
  /** Another server owns this database. */
  | 'in-use'
  /** The schema is newer than this program, or was changed by hand. */
  | 'schema'
  /** The embedded engine or the given server cannot be used; the text says what to do. */
  | 'unsupported'
  /** The store was closed. */
  | 'closed'

/** What the store refuses, with a code to branch on. The text carries neither passwords nor stanza content. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}
