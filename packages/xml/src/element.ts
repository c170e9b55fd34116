import { Attrs } from './attrs.ts'
import { LtxElement } from './ltx.ts'
import { serialize } from './serialize.ts'

export type Node = Element | string

/** What a caller may hand in as a child: nothing is skipped, an iterable is spread, numbers become text. */
export type Child = Element | string | number | undefined | null | false | Iterable<Element | string | undefined>

/**
 * One element of the tree that every part of the server shares: an ltx element whose name is its local name and whose
 * namespace is resolved. Prefixes are gone; the serializer writes `xmlns` where the namespace changes. An attribute
 * from another namespace keeps its prefix, and its declaration (`xmlns:p`) stands on the same element.
 *
 * Treat it as immutable: make another with {@link Element.with}.
 */
export class Element extends LtxElement {
  declare readonly name: string
  declare readonly attrs: Readonly<Attrs>
  declare readonly children: readonly Node[]
  readonly ns: string

  constructor(name: string, ns: string, attrs: Readonly<Attrs> = new Attrs(), children: readonly Node[] = []) {
    super(name)
    this.name = name
    this.ns = ns
    this.attrs = attrs
    this.children = children
  }

  getNS(): string {
    return this.ns
  }

  getName(): string {
    return this.name
  }

  is(name: string, ns?: string): boolean {
    return this.name === name && (ns === undefined || this.ns === ns)
  }

  attr(name: string): string | undefined {
    return this.attrs[name]
  }

  /** The first child element of that name, in `ns` (default: this element's own namespace). */
  child(name: string, ns: string = this.ns): Element | undefined {
    for (const child of this.children) {
      if (typeof child !== 'string' && child.name === name && child.ns === ns) return child
    }
    return undefined
  }

  /** Every child element of that name, in `ns` (default: this element's own namespace). */
  childrenNamed(name: string, ns: string = this.ns): Element[] {
    return this.elements().filter(child => child.name === name && child.ns === ns)
  }

  /** The child elements, without the text between them. */
  elements(): Element[] {
    return this.children.filter((child): child is Element => typeof child !== 'string')
  }

  firstElement(): Element | undefined {
    for (const child of this.children) if (typeof child !== 'string') return child
    return undefined
  }

  text(): string {
    if (this.children.length === 1 && typeof this.children[0] === 'string') return this.children[0]
    let text = ''
    for (const child of this.children) if (typeof child === 'string') text += child
    return text
  }

  /** The text of a child, or undefined where there is no such child. */
  textOf(name: string, ns: string = this.ns): string | undefined {
    return this.child(name, ns)?.text()
  }

  /** The same element with other children (attributes shared). */
  withChildren(children: readonly Node[]): Element {
    return new Element(this.name, this.ns, this.attrs, children)
  }

  /** The same element with other attributes (children shared). */
  withAttributes(attrs: Readonly<Attrs>): Element {
    return new Element(this.name, this.ns, attrs, this.children)
  }

  override toString(): string {
    return serialize(this)
  }
}

/**
 * Builds an element: `el('query', 'jabber:iq:roster', { ver }, items)`. Attributes that are `undefined` are left out;
 * values that know how to print themselves (addresses) are printed.
 */
export function el(
  name: string,
  ns: string,
  attrs?: { readonly [name: string]: string | number | { toString(): string } | undefined } | null,
  ...children: readonly Child[]
): Element {
  const own = new Attrs()
  if (attrs) {
    for (const key in attrs) {
      const value = attrs[key]
      if (value !== undefined) own[key] = String(value)
    }
  }
  return new Element(name, ns, own, flatten(children))
}

function flatten(children: readonly Child[]): Node[] {
  const nodes: Node[] = []
  for (const child of children) {
    if (child === undefined || child === null || child === false || child === '') continue
    if (typeof child === 'string' || child instanceof Element) nodes.push(child)
    else if (typeof child === 'number') nodes.push(String(child))
    else for (const item of child) if (item !== undefined) nodes.push(item)
  }
  return nodes
}
