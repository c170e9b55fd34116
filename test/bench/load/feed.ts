/** Longest beginning of a stanza that is kept until the rest of it comes. */
const MAX_REST = 1 << 16
const ASKED = '<r xmlns='

export interface FeedParts {
  /** How the stanzas that are counted end: `</message>`. */
  readonly end: string
  /** Called with the number of whole stanzas, and the bytes up to the end of the last one. */
  readonly onStanzas: (count: number, bytes: Buffer) => void
  /** XEP-0198: the server asks what was handled; called with the number of stanzas counted so far. */
  readonly onAsked?: (handled: number) => void
}

/** Counts stanzas in what arrives, however it is cut into chunks, without parsing. */
export function feed({ end, onStanzas, onAsked }: FeedParts): (chunk: Buffer) => void {
  const needle = Buffer.from(end)
  let rest: Buffer = Buffer.alloc(0)
  let handled = 0
  return chunk => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let count = 0
    let at = 0
    for (let found = bytes.indexOf(needle); found !== -1; found = bytes.indexOf(needle, at)) {
      at = found + needle.length
      count++
    }
    handled += count
    const whole = bytes.subarray(0, at)
    if (onAsked) {
      const asked = bytes.lastIndexOf(ASKED)
      const closed = asked === -1 ? -1 : bytes.indexOf('>', asked)
      if (closed !== -1) {
        onAsked(handled)
        at = Math.max(at, closed + 1)
      }
    }
    rest = bytes.subarray(Math.max(at, bytes.length - MAX_REST))
    if (count > 0) onStanzas(count, whole)
  }
}
