import { type Element, type Node, parseElement, serialize, serializeNodes } from '@parley/xml'
import { NS } from './namespaces.ts'

/**
 * The children of a stanza and their XML, each made from the other once and only when asked for. Every copy of a stanza
 * that differs only in its head (carbons, fan-out to contacts) shares one body.
 */
export class Body {
  static readonly empty = Body.of([])
  #nodes: readonly Node[] | undefined
  #before: Body | undefined
  #last: Element | undefined
  #xml: string | undefined

  static of(nodes: readonly Node[]): Body {
    const body = new Body()
    body.#nodes = nodes
    return body
  }

  /** From XML that this server wrote: children of a stanza in the namespace `jabber:client`. */
  static fromXml(xml: string): Body {
    const body = new Body()
    body.#xml = xml
    return body
  }

  /** This body with one more child at its end. */
  plus(child: Element): Body {
    const body = new Body()
    body.#before = this
    body.#last = child
    return body
  }

  get nodes(): readonly Node[] {
    this.#nodes ??= this.#before ? [...this.#before.nodes, this.#last!] : readNodes(this.#xml ?? '')
    return this.#nodes
  }

  get xml(): string {
    this.#xml ??= this.#before
      ? this.#before.xml + serialize(this.#last!, NS.client)
      : serializeNodes(this.#nodes ?? [], NS.client)
    return this.#xml
  }
}

function readNodes(xml: string): readonly Node[] {
  return parseElement(`<x xmlns="${NS.client}">${xml}</x>`).children
}
