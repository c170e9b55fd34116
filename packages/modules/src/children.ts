import type { Element, Node } from '@parley/xml'

/** The tree without the elements that `unwanted` names, at any depth; the same array where there are none. */
export function without(nodes: readonly Node[], unwanted: (element: Element) => boolean): readonly Node[] {
  let changed: Node[] | undefined
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!
    const kept = typeof node === 'string' ? node : pruned(node, unwanted)
    if (kept !== node) changed ??= nodes.slice(0, i)
    if (kept !== undefined) changed?.push(kept)
  }
  return changed ?? nodes
}

function pruned(element: Element, unwanted: (element: Element) => boolean): Element | undefined {
  if (unwanted(element)) return undefined
  const children = without(element.children, unwanted)
  return children === element.children ? element : element.withChildren(children)
}
