import { type Element, parseElement, XmlStreamError } from '@parley/xml'

const LIMITS = { maxStanzaBytes: 65_536, maxDepth: 16, maxElements: 1000, maxAttributes: 32 }
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** A document of a peer, read as strictly as a stanza but for what XMPP forbids and documents have: a declaration, comments. */
export function readDocument(bytes: Buffer): Element | undefined {
  if (bytes.length > LIMITS.maxStanzaBytes) return undefined
  try {
    return parseElement(bare(bytes.toString('utf8')), LIMITS)
  } catch (error) {
    if (error instanceof XmlStreamError) return undefined
    throw error
  }
}

export function writeDocument(root: Element): Buffer {
  return Buffer.from(DECLARATION + root.toString())
}

function bare(text: string): string {
  let rest = text.replace(/^\ufeff?\s*/, '')
  if (rest.startsWith('<?xml')) rest = rest.slice(rest.indexOf('?>') + 2)
  let out = ''
  for (;;) {
    const start = rest.indexOf('<!--')
    if (start === -1) return out + rest
    const end = rest.indexOf('-->', start + 4)
    // A comment without an end: what is left is no document, which the parser says.
    if (end === -1) return out + rest
    out += rest.slice(0, start)
    rest = rest.slice(end + 3)
  }
}
