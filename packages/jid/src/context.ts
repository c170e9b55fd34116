/// <reference path="./tr46.d.ts" />
import tables from 'tr46/lib/regexes.js'

const ZWNJ = '\u200c'
const GREEK = /\p{Script=Greek}/u
const HEBREW = /\p{Script=Hebrew}/u
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u
const ARABIC_INDIC = /[\u0660-\u0669]/
const EXTENDED_ARABIC_INDIC = /[\u06f0-\u06f9]/

/** Whether the character at `at` may stand there: RFC 5892 appendix A. */
export function contextAllows(text: string, at: number): boolean {
  const char = text[at]!
  switch (char) {
    case ZWNJ:
      return followsVirama(text, at) || joins(text, at)
    case '\u200d':
      return followsVirama(text, at)
    case '\u00b7':
      return text[at - 1] === 'l' && text[at + 1] === 'l'
    case '\u0375':
      return GREEK.test(charFrom(text, at + 1))
    case '\u05f3':
    case '\u05f4':
      return HEBREW.test(charBefore(text, at))
    case '\u30fb':
      return JAPANESE.test(text)
    default:
      return !(ARABIC_INDIC.test(char) ? EXTENDED_ARABIC_INDIC : ARABIC_INDIC).test(text)
  }
}

/** RFC 5893 §2, the rule of RFC 8265 §3.3.1: a text with right-to-left characters must display in one way only. */
export function bidiAllows(text: string): boolean {
  if (!tables.bidiDomain.test(text)) return true
  const first = charFrom(text, 0)
  if (tables.bidiS1LTR.test(first)) return tables.bidiS5.test(text) && tables.bidiS6.test(text)
  if (!tables.bidiS1RTL.test(first)) return false
  return (
    tables.bidiS2.test(text) && tables.bidiS3.test(text) && !(tables.bidiS4EN.test(text) && tables.bidiS4AN.test(text))
  )
}

function followsVirama(text: string, at: number): boolean {
  return tables.combiningClassVirama.test(charBefore(text, at))
}

/** The joiner between two letters that join, seen alone: other joiners of the text must not answer for it. */
function joins(text: string, at: number): boolean {
  const next = text.indexOf(ZWNJ, at + 1)
  return tables.validZWNJ.test(text.slice(text.lastIndexOf(ZWNJ, at - 1) + 1, next < 0 ? text.length : next))
}

function charFrom(text: string, at: number): string {
  const cp = text.codePointAt(at)
  return cp === undefined ? '' : String.fromCodePoint(cp)
}

function charBefore(text: string, at: number): string {
  if (at === 0) return ''
  const low = text.charCodeAt(at - 1)
  return low >= 0xdc00 && low <= 0xdfff ? text.slice(Math.max(0, at - 2), at) : text[at - 1]!
}
