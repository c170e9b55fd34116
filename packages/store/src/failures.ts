/** Causes that lie in the way to the server or in its state, not in the statement; the socket's own codes and SQLSTATE. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENOTCONN',
])
/** Class 08: connection; 57P01-03: shutting down, crashed, starting; 53300: too many connections. */
const CONNECTION_STATES = /^(08...|57P0[1-5]|53300)$/
const DRIVER_TEXTS =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout)/

interface Failure {
  readonly code?: string
  readonly message?: string
  readonly errors?: readonly unknown[]
}

/** The database was not reachable, or was lost while it worked. */
export function isConnectionError(error: unknown): boolean {
  const { code = '', message = '', errors } = error as Failure
  if (errors && errors.length > 0) return errors.every(isConnectionError)
  return SOCKET_CODES.has(code) || CONNECTION_STATES.test(code) || DRIVER_TEXTS.test(message)
}

/** Class 40: serialization failure, deadlock. The same transaction may succeed when tried again. */
export function isConflict(error: unknown): boolean {
  return /^40/.test((error as Failure).code ?? '')
}

/** Classes 22, 23 and 54: this very data cannot be stored, now or later (wrong, or beyond a limit such as that of index entries). */
export function isBadData(error: unknown): boolean {
  return /^(2[23]|54)/.test((error as Failure).code ?? '')
}

/** A row with this key is there already. */
export function isDuplicate(error: unknown): boolean {
  return (error as Failure).code === '23505'
}

/**
 * Time may heal it: an unreachable server, a conflict, want of resources (class 53: disk full …), locks (55P03), a
 * cancelled statement (57014), a system error (58), a read-only standby during failover (25006).
 */
export function isTransient(error: unknown): boolean {
  return (
    isConnectionError(error) ||
    isConflict(error) ||
    /^(53...|55P03|57014|58...|25006|26000|0A000)$/.test((error as Failure).code ?? '')
  )
}
