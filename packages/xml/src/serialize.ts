import type { Attrs } from './attrs.ts'
import type { Element, Node } from './element.ts'

/**
 * Writes an element as XML. `outer` is the default namespace in force where the text will stand: `xmlns` is written
 * only where the namespace changes. Depth is bounded by what the parser accepts, so recursion is safe.
 */
export function serialize(element: Element, outer = ''): string {
  let xml = `<${element.name}`
  if (element.ns !== outer) xml += ` xmlns="${escapeAttribute(element.ns)}"`
  xml += serializeAttrs(element.attrs)
  if (element.children.length === 0) return `${xml}/>`
  return `${xml}>${serializeNodes(element.children, element.ns)}</${element.name}>`
}

export function serializeNodes(nodes: readonly Node[], outer: string): string {
  let xml = ''
  for (const node of nodes) xml += typeof node === 'string' ? escapeText(node) : serialize(node, outer)
  return xml
}

export function serializeAttrs(attrs: Readonly<Attrs>): string {
  let xml = ''
  for (const name in attrs) xml += ` ${name}="${escapeAttribute(attrs[name]!)}"`
  return xml
}

/** Text between tags; characters that XML 1.0 §2.2 forbids are left out. */
export function escapeText(text: string): string {
  for (let i = 0; i < text.length; i++) if (!plainInText(text.charCodeAt(i))) return escapeFrom(text, i, false)
  return text
}

/** An attribute value in double quotes; white space is written so that it survives normalisation (XML 1.0 §3.3.3). */
export function escapeAttribute(value: string): string {
  for (let i = 0; i < value.length; i++) if (!plainInAttribute(value.charCodeAt(i))) return escapeFrom(value, i, true)
  return value
}

const LT = 0x3c
const GT = 0x3e
const AMP = 0x26
const QUOT = 0x22
const APOS = 0x27

/** Which ASCII characters stand for themselves; every character of every stanza is looked up here. */
const TEXT = Uint8Array.from({ length: 0x80 }, (_, c) =>
  c === LT || c === GT || c === AMP ? 0 : c >= 0x20 || c === 0x0a || c === 0x09 ? 1 : 0,
)
const ATTRIBUTE = TEXT.map((plain, c) => (c < 0x20 || c === QUOT || c === APOS ? 0 : plain))

function plainInText(c: number): boolean {
  return c < 0x80 ? TEXT[c] === 1 : isPlainBeyondAscii(c)
}

function plainInAttribute(c: number): boolean {
  return c < 0x80 ? ATTRIBUTE[c] === 1 : isPlainBeyondAscii(c)
}

function isPlainBeyondAscii(c: number): boolean {
  return c < 0xd800 || (c > 0xdfff && c < 0xfffe)
}

function escapeFrom(text: string, start: number, inAttribute: boolean): string {
  let xml = text.slice(0, start)
  let plain = start
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inAttribute ? plainInAttribute(c) : plainInText(c)) continue
    if (c >= 0xd800 && c <= 0xdbff && isLowSurrogate(text.charCodeAt(i + 1))) {
      i++
      continue
    }
    xml += text.slice(plain, i) + replacement(c)
    plain = i + 1
  }
  return xml + text.slice(plain)
}

function isLowSurrogate(c: number): boolean {
  return c >= 0xdc00 && c <= 0xdfff
}

function replacement(c: number): string {
  switch (c) {
    case LT:
      return '&lt;'
    case GT:
      return '&gt;'
    case AMP:
      return '&amp;'
    case QUOT:
      return '&quot;'
    case APOS:
      return '&apos;'
    case 0x09:
      return '&#9;'
    case 0x0a:
      return '&#10;'
    case 0x0d:
      return '&#13;'
    default:
      return ''
  }
}
