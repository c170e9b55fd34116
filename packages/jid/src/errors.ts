/** Which piece of an address, or which other prepared string, an error speaks of. */
export type Part = 'address' | 'local part' | 'domain' | 'resource' | 'nickname' | 'string'

/** A text is no address; the message says which part of it is wrong, and why. */
export class JidError extends Error {
  override readonly name = 'JidError'
  readonly part: Part

  constructor(part: Part, reason: string) {
    super(`${part} ${reason}`)
    this.part = part
  }
}

/** RFC 7622 §3.2–3.4: each part holds at most 1023 octets of UTF-8. */
export const MAX_PART = 1023

/** Refuses what is empty or cannot fit, before anything looks at the characters. */
export function requireLength(part: Part, text: string): void {
  if (text === '') throw new JidError(part, 'is empty')
  if (text.length > MAX_PART) throw new JidError(part, `is longer than ${MAX_PART} bytes`)
}

export function requireBytes(part: Part, text: string): string {
  if (text === '') throw new JidError(part, 'is empty')
  if (Buffer.byteLength(text) > MAX_PART) throw new JidError(part, `is longer than ${MAX_PART} bytes`)
  return text
}
