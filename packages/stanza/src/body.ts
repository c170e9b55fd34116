import { type Node, parseElement, serializeNodes } from '@parley/xml'
import { NS } from './namespaces.ts'

/**
 * The children of a stanza and their XML, each made from the other once and only when asked for. Every copy of a stanza
 * that differs only in its head (carbons, fan-out to contacts) shares one body.
 */
export class Body {
  static readonly empty = Body.of([])
  #nodes: readonly Node[] | undefined
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

  get nodes(): readonly Node[] {
    const nodes = this.#nodes ?? parseElement(`<x xmlns="${NS.client}">${this.#xml ?? ''}</x>`).children
    this.#nodes = nodes
    return nodes
  }

  get xml(): string {
    this.#xml ??= serializeNodes(this.#nodes ?? [], NS.client)
    return this.#xml
  }
}
