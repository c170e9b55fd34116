import type { Element } from '@parley/xml'
import type { DialbackResult, Pair } from './dialback.ts'

/** Mechanisms, errors and the like of a peer that go into our own texts. */
const SAID = 100

/** A verdict that is not "valid", in words for an operator (XEP-0220 §2.4). */
export function verdictOf(result: DialbackResult, { from, to }: Pair): string {
  const asked = `it asked the server that its DNS names for ${from}`
  if (result.type !== 'error') return `invalid: ${asked}, and that one did not know our key`
  switch (result.condition) {
    case 'item-not-found':
      return `item-not-found: ${to} is not there`
    case 'remote-connection-failed':
    case 'remote-server-not-found':
    case 'remote-server-timeout':
      return `${result.condition}: ${asked}, and could not; look at the SRV records of ${from}, and at the way to them`
    case 'forbidden':
    case 'not-allowed':
    case 'policy-violation':
      return `${result.condition}: it does not want to speak with ${from}, or not in this way`
    default:
      return result.condition
  }
}

/** What an error of a peer says, short enough for a line of ours. */
export function conditionOf(error: Element): string {
  const [condition] = error.elements()
  const text = error
    .elements()
    .find(({ name }) => name === 'text')
    ?.text()
  return `${condition?.name ?? error.name}${text ? `: ${text}` : ''}`.slice(0, SAID)
}
