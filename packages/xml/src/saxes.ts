import { SaxesParser } from 'saxes'
import type { Tag } from './tag.ts'

/** What saxes keeps to itself and we rely upon; its version is pinned for that reason. */
export interface Saxes {
  chunk: string
  /** The next character of the chunk. */
  i: number
  state: number
  /** Text, attribute value or name of which the end has not been seen. */
  text: string
  name: string
  /** The quote that ends the attribute value. */
  q: number | null
  tag: Tag | null
  readonly tags: readonly Tag[]
  topNS: unknown
  sawRoot: boolean
  closedRoot: boolean
  /** How much of `]]>` has just been read. */
  forbiddenState: number
  /** A final CR waits for the chunk that may begin with LF. */
  carriedFromPrevious: string | undefined
  xmlDeclPossible: boolean
  stateTable: readonly ((this: Saxes) => void)[]
  openTagHandler: (tag: Tag) => void
  closeTagHandler: (tag: Tag) => void
  textHandler: (text: string) => void
  cdataHandler: (text: string) => void
  xmldeclHandler: (declaration: { version?: string; encoding?: string }) => void
  errorHandler: (error: Error) => void
  _init(): void
  write(text: string): unknown
  close(): unknown
  fail(message: string): unknown
  captureNameChars(): number
  handleTextInRoot(): void
  openTag(): void
  closeTag(): void
  sBegin(): void
  sPIFirstChar(): void
  sPIRest(): void
  sAttribValueQuoted(): void
  sAttribValueClosed(): void
  sAttrib(): void
  sCloseTag(): void
  sOpenTagSlash(): void
  sText(): void
  sEntity(): void
  sOpenWaka(): void
}

export const SaxesBase = SaxesParser as unknown as new (options: { xmlns: true; position: false }) => Saxes

const sample = new SaxesBase({ xmlns: true, position: false })
const stateOf = (method: (this: Saxes) => void) => sample.stateTable.indexOf(method)

/** The states that overriding methods go to, by the method that each runs. */
export const State = {
  text: stateOf(sample.sText),
  openWaka: stateOf(sample.sOpenWaka),
  attribute: stateOf(sample.sAttrib),
  attributeClosed: stateOf(sample.sAttribValueClosed),
  slash: stateOf(sample.sOpenTagSlash),
}
