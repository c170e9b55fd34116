import ed4 from 'xmlchars/xml/1.0/ed4.js'
import { Attrs } from './attrs.ts'
import { illFormed } from './errors.ts'

const { NAME_RE } = ed4
const NO_ATTRS: Readonly<Attrs> = Object.freeze(new Attrs())
const XML = 'http://www.w3.org/XML/1998/namespace'
const XMLNS = 'http://www.w3.org/2000/xmlns/'

/** A start tag and its namespaces (Namespaces in XML 1.0). */
export class Tag {
  readonly name: string
  local = ''
  uri = ''
  /** The default namespace inside. */
  defaultNs: string
  attrs: Readonly<Attrs> = NO_ATTRS
  /** Attributes read so far, declarations included. */
  count = 0
  isSelfClosing = false
  readonly ns = undefined
  readonly #parent: Tag | undefined
  #prefixes: Map<string, string> | undefined
  #declaresDefault = false
  #prefixed: string[] | undefined

  constructor(name: string, parent: Tag | undefined) {
    this.name = name
    this.#parent = parent
    this.defaultNs = parent === undefined ? '' : parent.defaultNs
  }

  attribute(name: string, value: string): void {
    this.count++
    if (name.charCodeAt(0) === 0x78 && (name === 'xmlns' || name.startsWith('xmlns:'))) {
      this.#declare(name, value)
      return
    }
    if (name.includes(':')) {
      this.#prefixed ??= []
      this.#prefixed.push(name)
    }
    if (this.attrs === NO_ATTRS) this.attrs = new Attrs()
    else if (this.attrs[name] !== undefined) throw illFormed(`duplicate attribute ${shown(name)}`)
    ;(this.attrs as Attrs)[name] = value
  }

  /** The tag is complete: prefixes get their meaning. */
  resolve(): void {
    const colon = this.name.indexOf(':')
    if (colon < 0) {
      this.local = this.name
      this.uri = this.defaultNs
    } else {
      this.local = localOf(this.name, colon)
      const prefix = this.name.slice(0, colon)
      // No element of `xml` is defined, and none can be written without its prefix.
      if (prefix === 'xmlns' || prefix === 'xml') throw illFormed(`an element with the prefix ${prefix}`)
      this.uri = this.#namespaceOf(prefix)
    }
    if (this.#prefixed !== undefined) this.#resolveAttributes(this.#prefixed)
  }

  /** An attribute keeps its prefix, and the declaration goes with it; `xml` needs none. */
  #resolveAttributes(names: readonly string[]): void {
    const seen = new Map<string, Set<string>>()
    for (const name of names) {
      const colon = name.indexOf(':')
      const local = localOf(name, colon)
      const prefix = name.slice(0, colon)
      const uri = this.#namespaceOf(prefix)
      const locals = seen.get(uri) ?? new Set()
      // Namespaces in XML 1.0 §6.3: two prefixes may mean the same attribute.
      if (locals.has(local)) throw illFormed(`duplicate attribute ${shown(name)}`)
      seen.set(uri, locals.add(local))
      if (prefix !== 'xml') (this.attrs as Attrs)[`xmlns:${prefix}`] = uri
    }
  }

  #namespaceOf(prefix: string): string {
    if (prefix === 'xml') return XML
    for (let tag: Tag | undefined = this; tag !== undefined; tag = tag.#parent) {
      const uri = tag.#prefixes?.get(prefix)
      if (uri !== undefined) return uri
    }
    throw illFormed(`unbound namespace prefix ${shown(prefix)}`)
  }

  #declare(name: string, uri: string): void {
    // Parsers differ in whether they trim; a namespace name with white space around it has two readings.
    if (uri !== uri.trim()) throw illFormed('a namespace name begins or ends with white space')
    // Libxml2 leaves `&` and `<` half decoded in these names; no namespace of XMPP has them.
    if (/[&<]/.test(uri)) throw illFormed('a namespace name with an ampersand or less-than sign')
    if (uri === XMLNS) throw illFormed('the namespace of xmlns cannot be declared')
    if (name === 'xmlns') {
      if (uri === XML) throw illFormed('the namespace of xml cannot be the default')
      if (this.#declaresDefault) throw illFormed('duplicate attribute xmlns')
      this.#declaresDefault = true
      this.defaultNs = uri
      return
    }
    const prefix = localOf(name, 5)
    if (prefix === 'xmlns' || (prefix === 'xml') !== (uri === XML))
      throw illFormed(`${shown(name)} cannot be declared so`)
    if (uri === '') throw illFormed(`${shown(name)} has no value`)
    this.#prefixes ??= new Map()
    if (this.#prefixes.has(prefix)) throw illFormed(`duplicate attribute ${shown(name)}`)
    this.#prefixes.set(prefix, uri)
  }
}

/** Namespaces in XML 1.0 §4: exactly one colon, and a name on both sides of it. */
function localOf(name: string, colon: number): string {
  const local = name.slice(colon + 1)
  if (colon === 0 || local.includes(':')) throw illFormed(`malformed name ${shown(name)}`)
  requireName(local)
  return local
}

/**
 * Names are those of XML 1.0 up to its 4th edition, which the 5th allows as well: expat, and so many a recipient, ends
 * its stream at any other.
 */
export function requireName(name: string): void {
  if (!NAME_RE.test(name)) throw illFormed(`malformed name ${shown(name)}`)
}

function shown(name: string): string {
  return name.slice(0, 64)
}
