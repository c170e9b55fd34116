/** Namespaces of streams between servers. */
export const S2S = {
  /** XEP-0220 §2.4.1. */
  dialbackFeature: 'urn:xmpp:features:dialback',
  /** XEP-0288 §2.1: offered so, and asked for so. */
  bidiFeature: 'urn:xmpp:features:bidi',
  bidi: 'urn:xmpp:bidi',
  limits: 'urn:xmpp:stream-limits:0',
  sm: 'urn:xmpp:sm:3',
  ping: 'urn:xmpp:ping',
} as const

/** XEP-0198 §4: counts wrap here. */
export const WRAP = 2 ** 32
