import { type Element, el } from '@parley/xml'
import { NS } from './namespaces.ts'

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

// RFC 6120 §8.3.3: each condition with the type that the clause suggests.
const TYPES = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, ErrorType>

export type Condition = keyof typeof TYPES

export interface ErrorDetails {
  readonly type?: ErrorType
  /** Application-specific conditions (RFC 6120 §8.3.4). */
  readonly extra?: readonly Element[]
  /** Where to go instead, as a URI: for `gone` and `redirect` (RFC 6120 §8.3.3.5, §8.3.3.14). */
  readonly address?: string
  /** What the answer has before the error. */
  readonly beside?: Element
}

/** A refusal: throw it, and the core answers the peer with it. `message` is shown to the peer, so it holds no secrets. */
export class StanzaError extends Error {
  override readonly name = 'StanzaError'
  readonly condition: Condition
  readonly type: ErrorType
  readonly text: string
  readonly extra: readonly Element[]
  readonly address: string | undefined
  readonly beside: Element | undefined

  constructor(condition: Condition, text = '', details: ErrorDetails = {}) {
    super(text === '' ? condition : `${condition}: ${text}`)
    this.condition = condition
    this.text = text
    this.type = details.type ?? TYPES[condition]
    this.extra = details.extra ?? []
    this.address = details.address
    this.beside = details.beside
  }

  toElement(): Element {
    return el(
      'error',
      NS.client,
      { type: this.type },
      el(this.condition, NS.stanzaErrors, null, this.address),
      this.text === '' ? undefined : el('text', NS.stanzaErrors, null, this.text),
      this.extra,
    )
  }

  /** Reads the `<error/>` of a stanza; anything unknown becomes `undefined-condition` (RFC 6120 §8.3.2). */
  static fromElement(error: Element | undefined): StanzaError {
    const condition = error?.elements().find(child => child.ns === NS.stanzaErrors && child.name !== 'text')?.name
    const known = condition !== undefined && Object.hasOwn(TYPES, condition) ? (condition as Condition) : undefined
    return new StanzaError(known ?? 'undefined-condition', error?.textOf('text', NS.stanzaErrors) ?? '')
  }
}
