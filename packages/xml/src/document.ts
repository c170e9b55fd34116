import type { Element } from './element.ts'
import { illFormed, overLimit } from './errors.ts'
import { DEFAULT_LIMITS, type ParserLimits } from './limits.ts'
import type { Tag } from './tag.ts'
import { Tokenizer } from './tokenizer.ts'
import { TreeBuilder } from './tree.ts'
import { Utf8Decoder } from './utf8.ts'

const LONE_SURROGATE = /\p{Cs}/u

let limits: ParserLimits = DEFAULT_LIMITS
let root: Element | undefined
const tree = new TreeBuilder({ aliases: new Map(), freeze: false })
// One for all: reading a document reports nothing to anyone, so no two are ever read at once.
const tokenizer = new Tokenizer({
  open: () => tree.open(limits),
  text: text => {
    if (tree.depth > 0) tree.text(text)
  },
  close: (tag: Tag) => {
    const element = tree.close(tag)
    if (tree.depth > 0) tree.add(element)
    else root = element
  },
  maxAttributes: () => limits.maxAttributes,
})

/**
 * Reads one whole element, as strictly as a stream is read: a WebSocket frame (RFC 7395 §3.3.3) or a stanza from the
 * store. White space around it is allowed.
 *
 * @throws XmlStreamError
 */
export function parseElement(xml: string | Buffer, limit: Partial<ParserLimits> = {}): Element {
  limits = { ...DEFAULT_LIMITS, ...limit }
  const bytes = typeof xml === 'string' ? Buffer.byteLength(xml) : xml.length
  if (bytes > limits.maxStanzaBytes) throw overLimit('bytes in one stanza', limits.maxStanzaBytes)
  const text = typeof xml === 'string' ? wellFormed(xml) : decode(xml)
  tree.reset()
  tokenizer._init()
  root = undefined
  tokenizer.write(text)
  tokenizer.close()
  const element = root
  if (element === undefined) throw illFormed('no element')
  root = undefined
  return element
}

function decode(xml: Buffer): string {
  const decoder = new Utf8Decoder()
  const text = decoder.decode(xml)
  if (decoder.hasTail) throw illFormed('a character is cut')
  return text
}

function wellFormed(text: string): string {
  if (LONE_SURROGATE.test(text)) throw illFormed('half a surrogate pair')
  return text
}
