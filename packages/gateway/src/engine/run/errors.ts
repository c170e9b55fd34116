import { AdapterError, type Failure } from '@parley/adapter'
import type { Redactor } from './redact.ts'

/** An error as it passes between processes. */
export interface WireError {
  readonly failure: Failure
  readonly message: string
  readonly retryAfter?: number
}

/** What users are told when an adapter fails in a way that it does not know. */
export const FAULT = 'The gateway has a fault'

const FAILURES: readonly Failure[] = [
  ...(['credentials', 'replaced', 'denied', 'action', 'transient', 'limited'] as const),
  ...(['protocol', 'not-found', 'blocked', 'too-large', 'unsupported'] as const),
]
const TEXT = 500
/** Nobody is told to come back later than in a day. */
const LONGEST_WAIT = 86_400_000

/** Whether an adapter has thrown it on purpose; it may have been made by another copy of the class. */
export function isAdapterError(error: unknown): error is AdapterError {
  return error instanceof Error && error.name === 'AdapterError' && FAILURES.includes((error as AdapterError).failure)
}

/** What an adapter has thrown, without secrets; what it did not throw on purpose is a fault, and says no more. */
export function toWire(error: unknown, redactor: Redactor): WireError {
  if (!isAdapterError(error)) return { failure: 'protocol', message: FAULT }
  const { failure, message, retryAfter } = error
  const wait = Number(retryAfter)
  const isWait = retryAfter !== undefined && wait >= 0
  return {
    failure,
    message: redactor.text(message).slice(0, TEXT),
    ...(isWait && { retryAfter: Math.min(wait, LONGEST_WAIT) }),
  }
}

export function fromWire({ failure, message, retryAfter }: WireError): AdapterError {
  return new AdapterError(failure, message, retryAfter)
}
