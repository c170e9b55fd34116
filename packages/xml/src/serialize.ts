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
  return BEYOND_TEXT.test(text) ? text.replace(ALL_BEYOND_TEXT, written) : text
}

/** An attribute value in double quotes; white space is written so that it survives normalisation (XML 1.0 §3.3.3). */
export function escapeAttribute(value: string): string {
  return BEYOND_ATTRIBUTE.test(value) ? value.replace(ALL_BEYOND_ATTRIBUTE, written) : value
}

/**
 * Characters that may not stand for themselves, and halves of those beyond U+FFFF. Nearly always there is none, which an
 * expression finds out faster than a loop.
 */
const BEYOND_TEXT = /[^\t\n -%'-;=?-\ud7ff\ue000-\ufffd]/
const BEYOND_ATTRIBUTE = /[^ !#-%(-;=?-\ud7ff\ue000-\ufffd]/
const PAIR = '[\\ud800-\\udbff][\\udc00-\\udfff]'
const ALL_BEYOND_TEXT = new RegExp(`${PAIR}|${BEYOND_TEXT.source}`, 'g')
const ALL_BEYOND_ATTRIBUTE = new RegExp(`${PAIR}|${BEYOND_ATTRIBUTE.source}`, 'g')

const REFERENCES: ReadonlyMap<string, string> = new Map([
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['&', '&amp;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  ['\t', '&#9;'],
  ['\n', '&#10;'],
  ['\r', '&#13;'],
])

function written(found: string): string {
  return found.length === 2 ? found : (REFERENCES.get(found) ?? '')
}
