import { type Element, serialize } from '@parley/xml'

/** The payload of a result. */
export function result(answer: Element): Element | undefined {
  if (answer.attrs['type'] !== 'result') throw new Error(`Not a result: ${serialize(answer)}`)
  return answer.firstElement()
}

export function same(seen: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(wanted)]
  if (left !== right) throw new Error(`Seen ${left} instead of ${right}`)
}
