export interface ParserLimits {
  /** Bytes of one stanza, or of the stream header, counted while they arrive. */
  maxStanzaBytes: number
  /** Elements one inside the other, the root included. */
  maxDepth: number
  /** Elements of one stanza. */
  maxElements: number
  /** Attributes of one element, namespace declarations included. */
  maxAttributes: number
}

/**
 * An element without children or attributes costs 64 bytes of heap and at least 4 bytes on the wire: a tree stays
 * below 20 times its bytes whatever its shape, and `maxElements` bounds the time that one stanza takes.
 */
export const DEFAULT_LIMITS: ParserLimits = {
  maxStanzaBytes: 262_144,
  maxDepth: 128,
  maxElements: 10_000,
  maxAttributes: 256,
}
