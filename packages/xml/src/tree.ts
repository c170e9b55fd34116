import { Element, type Node } from './element.ts'
import { overLimit } from './errors.ts'
import type { ParserLimits } from './limits.ts'
import type { Tag } from './tag.ts'

const NO_CHILDREN: readonly Node[] = Object.freeze([])

export interface TreeOptions {
  /** Namespaces of elements that are read as others. */
  readonly aliases: ReadonlyMap<string, string>
  readonly freeze: boolean
}

/**
 * Makes elements out of tags. The children of all open elements lie on one stack and are copied out when their parent
 * closes: every element is complete when it is made, and its list is no longer than it must be.
 */
export class TreeBuilder {
  /** Open elements. */
  depth = 0
  /** Elements opened since the count was last set to 0. */
  elements = 0
  readonly #options: TreeOptions
  readonly #starts: number[] = []
  #nodes: Node[] = []

  constructor(options: TreeOptions) {
    this.#options = options
  }

  reset(): void {
    this.depth = 0
    this.elements = 0
    this.#nodes = []
  }

  open(limits: ParserLimits): void {
    if (this.depth >= limits.maxDepth) throw overLimit('elements inside one another', limits.maxDepth)
    if (++this.elements > limits.maxElements) throw overLimit('elements', limits.maxElements)
    this.#starts[this.depth++] = this.#nodes.length
  }

  text(text: string): void {
    if (text === '') return
    const last = this.#nodes.length - 1
    const before = last >= this.#starts[this.depth - 1]! ? this.#nodes[last] : undefined
    if (typeof before === 'string') this.#nodes[last] = before + text
    else this.#nodes.push(text)
  }

  /** Ends the innermost element; it becomes a child of the one around it when it is handed to {@link add}. */
  close(tag: Tag): Element {
    const start = this.#starts[--this.depth]!
    let children = NO_CHILDREN
    if (this.#nodes.length > start) {
      children = this.#nodes.slice(start)
      this.#nodes.length = start
    }
    return this.element(tag, children)
  }

  add(element: Element): void {
    this.#nodes.push(element)
  }

  element(tag: Tag, children: readonly Node[] = NO_CHILDREN): Element {
    const { aliases, freeze } = this.#options
    const element = new Element(tag.local, aliases.get(tag.uri) ?? tag.uri, tag.attrs, children)
    if (freeze) {
      Object.freeze(element.attrs)
      Object.freeze(children)
      Object.freeze(element)
    }
    return element
  }
}
