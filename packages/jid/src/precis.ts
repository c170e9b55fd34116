import { contextAllows } from './context.ts'
import { JidError, type Part } from './errors.ts'

/** RFC 8264 §8: what a code point may be; `free` is valid in the FreeformClass alone, `context` where a rule allows it. */
type Derived = 'valid' | 'free' | 'context' | 'disallowed'

/** RFC 8264 §4.2 and §4.3. */
export type StringClass = 'identifier' | 'freeform'

/** RFC 8264 §9.6, which is RFC 5892 §2.6. */
const EXCEPTIONS: ReadonlyMap<number, Derived> = new Map<number, Derived>([
  ...[0x00df, 0x03c2, 0x06fd, 0x06fe, 0x0f0b, 0x3007].map(cp => [cp, 'valid'] as const),
  ...[0x00b7, 0x0375, 0x05f3, 0x05f4, 0x30fb].map(cp => [cp, 'context'] as const),
  ...Array.from({ length: 10 }, (_, digit) => [0x0660 + digit, 'context'] as const),
  ...Array.from({ length: 10 }, (_, digit) => [0x06f0 + digit, 'context'] as const),
  ...[0x0640, 0x07fa, 0x302e, 0x302f, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303b].map(
    cp => [cp, 'disallowed'] as const,
  ),
])

// §9.9 OldHangulJamo, §9.12 Controls, §9.13 PrecisIgnorableProperties, and what is unassigned, private or a surrogate.
const NEVER =
  /[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb\p{Cn}\p{Co}\p{Cs}\p{Cc}\p{Default_Ignorable_Code_Point}]/u
// §9.1 LetterDigits.
const LETTER_DIGIT = /[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]/u
// §9.18 OtherLetterDigits, §9.14 Spaces, §9.15 Symbols, §9.16 Punctuation.
const FREE = /[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]/u

function derived(char: string): Derived {
  const cp = char.codePointAt(0)!
  if (cp > 0x20 && cp < 0x7f) return 'valid'
  const exception = EXCEPTIONS.get(cp)
  if (exception) return exception
  if (cp === 0x200c || cp === 0x200d) return 'context'
  if (NEVER.test(char)) return 'disallowed'
  if (char.normalize('NFKC') !== char) return 'free' // §9.17 HasCompat
  if (LETTER_DIGIT.test(char)) return 'valid'
  return FREE.test(char) ? 'free' : 'disallowed'
}

/** Refuses code points outside the class, wherever they stand: the preparation step, before any mapping. */
export function requireClass(part: Part, text: string, stringClass: StringClass): void {
  for (const char of text) {
    const property = derived(char)
    if (property === 'disallowed' || (property === 'free' && stringClass === 'identifier')) throw refused(part, char)
  }
}

/** The same, with the rules that look at the neighbours (RFC 5892 appendix A): for the result of all mappings. */
export function requireConformance(part: Part, text: string, stringClass: StringClass): void {
  requireClass(part, text, stringClass)
  let at = 0
  for (const char of text) {
    if (derived(char) === 'context' && !contextAllows(text, at)) throw refused(part, char)
    at += char.length
  }
}

/** RFC 8264 §7: mappings are repeated until the text is stable; what is not stable after three rounds is refused. */
export function untilStable(part: Part, text: string, map: (text: string) => string): string {
  let before = text
  for (let round = 0; round < 4; round++) {
    const after = map(before)
    if (after === before) return after
    before = after
  }
  throw new JidError(part, 'has no stable normal form')
}

function refused(part: Part, char: string): JidError {
  // A password is prepared as a `string`: its characters stay out of messages.
  if (part === 'string') return new JidError(part, 'has a character that is not allowed')
  const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
  return new JidError(part, `must not have U+${code}${char < '\x7f' && char > ' ' ? ` (${char})` : ''} here`)
}
