import { AdapterError, type Failure } from '@parley/adapter'
import { type Condition, StanzaError } from '@parley/stanza'
import type { Logger } from '@xmpp/server-core'
import { UnservedError } from '../engine/unserved.ts'

const CONDITIONS: Readonly<Record<Failure, Condition>> = {
  credentials: 'not-authorized',
  action: 'not-authorized',
  replaced: 'conflict',
  denied: 'forbidden',
  transient: 'remote-server-timeout',
  limited: 'resource-constraint',
  protocol: 'remote-server-timeout',
  'not-found': 'item-not-found',
  blocked: 'not-allowed',
  'too-large': 'not-acceptable',
  unsupported: 'feature-not-implemented',
}

/** What a user hears of something that came to nothing over there. */
export function refusalOf(error: unknown, log: Logger): StanzaError {
  if (error instanceof StanzaError) return error
  if (error instanceof UnservedError) return new StanzaError('service-unavailable', error.message, { type: 'wait' })
  if (isFailure(error)) return new StanzaError(CONDITIONS[error.failure], error.message)
  log.error('a gateway failed', { error })
  return new StanzaError('internal-server-error')
}

/** Also one that has come from another process. */
function isFailure(error: unknown): error is AdapterError {
  return (
    error instanceof AdapterError || (error instanceof Error && (error as Partial<AdapterError>).failure !== undefined)
  )
}
