/** Namespaces of streams between servers. */
export const S2S = {
  /** XEP-0220 §2.4.1. */
  dialbackFeature: 'urn:xmpp:features:dialback',
  limits: 'urn:xmpp:stream-limits:0',
  sm: 'urn:xmpp:sm:3',
  ping: 'urn:xmpp:ping',
} as const

/** XEP-0198 §4: counts wrap here. */
export const WRAP = 2 ** 32
