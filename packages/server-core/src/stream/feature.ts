import type { Element } from '@parley/xml'
import type { Awaitable } from '../awaitable.ts'
import type { ClientStream } from './stream.ts'

/** XEP-0170: the order in which features are offered and negotiated. */
export const FEATURE_ORDER = ['tls', 'auth', 'auth-extra', 'bind', 'bound', 'info'] as const
export type FeatureOrder = (typeof FEATURE_ORDER)[number]

/**
 * A part of stream negotiation (RFC 6120 §4.3), declared by a module. Elements of its namespace that are not stanzas come
 * to `receive`; what it offers depends on the state of the stream.
 */
export interface StreamFeature {
  readonly order: FeatureOrder
  /** Namespace of the elements that `receive` takes; absent: it only advertises. */
  readonly ns?: string
  /** What `<stream:features/>` says; undefined: nothing now. */
  advertise?(stream: ClientStream): Awaitable<Element | undefined>
  receive?(stream: ClientStream, element: Element): Awaitable<void>
  /** Stanzas before a resource is bound (RFC 6120 §7): true when taken. */
  unbound?(stream: ClientStream, stanza: Element): Awaitable<boolean>
}
