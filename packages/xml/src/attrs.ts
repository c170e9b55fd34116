/**
 * Attributes of an element: plain data, whatever the peer called them. The prototype chain is empty, so that
 * `__proto__` or `constructor` are ordinary keys, and V8 keeps the fast object layout that `Object.create(null)` loses.
 */
export type Attrs = { [name: string]: string }

interface AttrsConstructor {
  new (): Attrs
}

export const Attrs: AttrsConstructor = (() => {
  function Attrs() {}
  Attrs.prototype = Object.freeze(Object.create(null))
  return Attrs as unknown as AttrsConstructor
})()

/** A copy of `from` with `changes` on top; a change to `undefined` removes the attribute. */
export function withAttrs(from: Readonly<Attrs>, changes: { readonly [name: string]: string | undefined }): Attrs {
  const attrs = new Attrs()
  for (const name in from) attrs[name] = from[name]!
  for (const name in changes) {
    const value = changes[name]
    if (value === undefined) delete attrs[name]
    else attrs[name] = value
  }
  return attrs
}
