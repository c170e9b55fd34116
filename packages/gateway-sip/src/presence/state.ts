import { cut } from '../wire/headers.ts'
import { parseParams } from '../wire/uri.ts'

/** Subscription-State (RFC 6665 §8.2.3). */
export interface SubscriptionState {
  readonly state: 'active' | 'pending' | 'terminated'
  readonly reason: string | undefined
  /** Seconds. */
  readonly expires: number | undefined
  readonly retryAfter: number | undefined
}

export function parseState(text: string | undefined): SubscriptionState | undefined {
  const [state = '', ...rest] = cut(text ?? '', ';')
  const params = parseParams(rest)
  const word = state.toLowerCase()
  if (word !== 'active' && word !== 'pending' && word !== 'terminated') return undefined
  return {
    state: word,
    reason: params.get('reason')?.toLowerCase(),
    expires: seconds(params.get('expires')),
    retryAfter: seconds(params.get('retry-after')),
  }
}

export function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}\b/.test(text) ? Number.parseInt(text, 10) : undefined
}

/** Event (RFC 6665 §8.2.1): the package that it names is the one of presence. */
export function isPresence(event: string | undefined): boolean {
  return cut(event ?? '', ';')[0]!.toLowerCase() === 'presence'
}
