import { type Element, serialize } from '@parley/xml'

/** So many lines show what led to a failure; more would only be kept. */
const SHOWN = 60

/** Something that was heard is written down when somebody wants to read it. */
type Line = string | { readonly actor: string; readonly element: Element }

/** What was sent and received last, in the notation of scansion, so that a failure can be read as a play. */
export class Transcript {
  #lines: Line[] = []

  sent(actor: string, xml: string): void {
    this.#add(`${actor} sends:\n    ${xml.trim()}`)
  }

  received(actor: string, element: Element): void {
    this.#add({ actor, element })
  }

  note(text: string): void {
    this.#add(`# ${text}`)
  }

  toString(): string {
    const text = (line: Line) =>
      typeof line === 'string' ? line : `${line.actor} receives:\n    ${serialize(line.element, 'jabber:client')}`
    return this.#lines.slice(-SHOWN).map(text).join('\n\n')
  }

  #add(line: Line): void {
    this.#lines.push(line)
    if (this.#lines.length >= 4 * SHOWN) this.#lines = this.#lines.slice(-SHOWN)
  }
}
