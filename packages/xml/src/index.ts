export { Attrs, withAttrs } from './attrs.ts'
export { type Child, Element, el, type Node } from './element.ts'
export { escapeAttribute, escapeText, serialize, serializeAttrs, serializeNodes } from './serialize.ts'
