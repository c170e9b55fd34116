import { Attrs, Element } from '@parley/xml'

/** Older services leave the id of a request out (against RFC 6120 §8.2.3); an empty one says no more. */
export function withId(element: Element): Element {
  const { name, ns, attrs, children } = element
  if (name !== 'iq' || attrs['id'] !== undefined) return element
  return new Element(name, ns, Object.assign(new Attrs(), attrs, { id: '' }), children)
}
