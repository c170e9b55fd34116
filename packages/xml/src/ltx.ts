import { Element } from 'ltx'

/** What we keep of ltx's element: reading. Its writing methods stay out of sight, because trees are shared. */
interface ReadableElement {
  getChild(name: string, ns?: string): ReadableElement | undefined
  getChildren(name: string, ns?: string): ReadableElement[]
  getText(): string
}

export const LtxElement = Element as unknown as new (name: string) => ReadableElement
