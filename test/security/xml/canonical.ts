import type { Element } from '@parley/xml'

const XML = 'http://www.w3.org/XML/1998/namespace'

type Tree = [ns: string, name: string, attrs: Record<string, string>, children: (string | Tree)[]]

/** The tree as `foreign.py` writes it: attributes by expanded name, sorted. */
export function canonical(element: Element): string {
  return JSON.stringify(treeOf(element))
}

function treeOf(element: Element): Tree {
  const names = new Map<string, string>()
  for (const [name, value] of Object.entries(element.attrs)) {
    if (name.startsWith('xmlns:')) continue
    const colon = name.indexOf(':')
    const prefix = name.slice(0, Math.max(0, colon))
    const ns = prefix === '' ? '' : prefix === 'xml' ? XML : element.attrs[`xmlns:${prefix}`]
    names.set(`{${ns}}${name.slice(colon + 1)}`, value)
  }
  const attrs: Record<string, string> = Object.create(null)
  for (const name of [...names.keys()].sort(byCodePoint)) attrs[name] = names.get(name)!
  const children = element.children.map(child => (typeof child === 'string' ? child : treeOf(child)))
  return [element.ns, element.name, attrs, children]
}

/** Python sorts by code point, JavaScript by code unit. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
