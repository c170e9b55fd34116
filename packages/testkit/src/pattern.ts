import { type Element, type Node, parseElement, serialize } from '@parley/xml'

/** Stands in a pattern for what may be there in many forms. */
export interface Placeholder {
  readonly matches: (text: string, captures: Captures) => boolean
  readonly shown: string
}
export type Captures = Record<string, string>
export interface Pattern {
  readonly element: Element
  readonly placeholders: readonly Placeholder[]
  readonly exact: boolean
  readonly source: string
}
type Part = string | number | { toString(): string } | Placeholder | Element

/** Any text, but there must be some attribute or text. */
export const any: Placeholder = { matches: () => true, shown: '…' }
export const like = (expression: RegExp): Placeholder => ({
  matches: text => expression.test(text),
  shown: String(expression),
})
/** Any text, kept under a name for later. */
export const capture = (name: string): Placeholder => ({
  matches(text, captures) {
    captures[name] = text
    return true
  },
  shown: `«${name}»`,
})

const OPEN = '\uE000'
const CLOSE = '\uE001'

/** A stanza that may have more attributes and children than are written, in any order. */
export function p(strings: TemplateStringsArray, ...parts: readonly Part[]): Pattern {
  return pattern(strings, parts, false)
}

/** A stanza that has nothing that is not written. */
export function exactly(strings: TemplateStringsArray, ...parts: readonly Part[]): Pattern {
  return pattern(strings, parts, true)
}

/** The XML of a template: values are escaped, elements written as they are. */
export function xmlOf(strings: TemplateStringsArray, parts: readonly Part[]): string {
  return fill(strings, parts, placeholder => {
    throw new Error(`${placeholder.shown} cannot be sent`)
  })
}

function pattern(strings: TemplateStringsArray, parts: readonly Part[], exact: boolean): Pattern {
  const placeholders: Placeholder[] = []
  const source = fill(strings, parts, placeholder => `${OPEN}${placeholders.push(placeholder) - 1}${CLOSE}`)
  return { element: readStanzaXml(source), placeholders, exact, source }
}

export function readStanzaXml(source: string): Element {
  const wrapper = parseElement(`<x xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">${source}</x>`)
  const element = wrapper.firstElement()
  if (!element || wrapper.elements().length !== 1) throw new Error(`Not one stanza: ${source}`)
  return element
}

function fill(
  strings: TemplateStringsArray,
  parts: readonly Part[],
  place: (placeholder: Placeholder) => string,
): string {
  return strings.reduce((xml, text, index) => {
    const part = parts[index - 1] as Part
    return xml + print(part, place) + text
  })
}

function print(part: Part, place: (placeholder: Placeholder) => string): string {
  if (typeof part === 'object' && 'matches' in part) return place(part)
  if (typeof part === 'object' && 'children' in part) return serialize(part as Element, 'jabber:client')
  return escaped(String(part))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&apos;')
}

/** Why an element does not match, in words; undefined where it does. What is captured goes into `captures`. */
export function mismatch(
  { element, placeholders, exact }: Pattern,
  actual: Element,
  captures: Captures,
): string | undefined {
  const compareText = (expected: string, text: string) => {
    const index = expected.startsWith(OPEN) && expected.endsWith(CLOSE) ? Number(expected.slice(1, -1)) : undefined
    const placeholder = index === undefined ? undefined : placeholders[index]
    return placeholder ? placeholder.matches(text, captures) : expected === text
  }
  const compare = (expected: Element, found: Element, path: string): string | undefined => {
    if (expected.name !== found.name || expected.ns !== found.ns) return `${path}: <${found.name} xmlns="${found.ns}"/>`
    for (const [name, value] of Object.entries(expected.attrs)) {
      const there = found.attrs[name]
      if (there === undefined || !compareText(value, there)) return `${path}@${name}: ${there ?? 'is not there'}`
    }
    if (exact) {
      const extra = Object.keys(found.attrs).find(name => !(name in expected.attrs))
      if (extra) return `${path}@${extra}: ${found.attrs[extra]} is not expected`
      if (found.elements().length > expected.elements().length) return `${path}: more children than expected`
    }
    const text = textOf(expected)
    if (text !== '' && !compareText(text, textOf(found))) return `${path}: the text is ${JSON.stringify(textOf(found))}`
    return children(expected, found, path)
  }
  // Each expected child takes one of its own, whatever their order.
  const children = (expected: Element, found: Element, path: string): string | undefined => {
    const left = found.elements()
    for (const child of expected.elements()) {
      const index = left.findIndex(candidate => compare(child, candidate, `${path}/${child.name}`) === undefined)
      if (index >= 0) {
        left.splice(index, 1)
        continue
      }
      const nearest = left.find(({ name }) => name === child.name)
      return nearest
        ? compare(child, nearest, `${path}/${child.name}`)
        : `${path}: no <${child.name} xmlns="${child.ns}"/>`
    }
    return undefined
  }
  return compare(element, actual, element.name)
}

function textOf(element: Element): string {
  return element.children
    .filter((node: Node): node is string => typeof node === 'string')
    .join('')
    .trim()
}
