import { type Element, serialize } from '@parley/xml'

/** What was sent and received, in the notation of scansion, so that a failure can be read as a play. */
export class Transcript {
  readonly #lines: string[] = []

  sent(actor: string, xml: string): void {
    this.#lines.push(`${actor} sends:\n    ${xml.trim()}`)
  }

  received(actor: string, element: Element): void {
    this.#lines.push(`${actor} receives:\n    ${serialize(element, 'jabber:client')}`)
  }

  note(text: string): void {
    this.#lines.push(`# ${text}`)
  }

  toString(): string {
    return this.#lines.slice(-60).join('\n\n')
  }
}
