import type { Capabilities } from '@parley/adapter'
import { bytesOf, type Charset, inCharset } from './charset.ts'
import { clean, cleanLine } from './clean.ts'

/** A text of more pieces than that is refused: nobody reads it, and the network would call it a flood. */
export const MAX_PIECES = 200
/** What is looked at at once for the end of a grapheme: one of more code units is none that anybody writes (Zalgo text). */
const WINDOW = 256

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

type Limits = Pick<Capabilities, 'maxTextBytes' | 'charset' | 'multiline'>

/**
 * The messages that a text becomes on a network: cleaned, in its charset, each of at most `maxTextBytes`, cut between lines where
 * that is possible, else between words, else between graphemes. Undefined: it would be too many.
 */
export function splitText(text: string, { maxTextBytes, charset, multiline }: Limits): readonly string[] | undefined {
  const plain = inCharset(clean(text), charset)
  const pieces: string[] = []
  for (const part of multiline ? [plain] : plain.split('\n').map(cleanLine)) {
    for (let rest = part; rest.trim() !== ''; ) {
      if (pieces.length === MAX_PIECES) return undefined
      const piece = beginning(rest, maxTextBytes, charset)
      pieces.push(piece.trimEnd() === '' ? piece : piece.trimEnd())
      rest = rest.slice(piece.length)
      if (rest !== '') rest = rest.replace(/^[ \n]/, '')
    }
  }
  return pieces
}

/** A text of at most so many bytes on one line; one that is longer ends with an ellipsis, or with dots where there is none. */
export function cutText(text: string, most: number, charset: Charset): string {
  const plain = inCharset(cleanLine(text), charset)
  if (bytesOf(plain, charset) <= most) return plain
  const mark = charset === 'latin1' ? '...' : '…'
  const room = most - bytesOf(mark, charset)
  if (room < 0) return ''
  const shown = between(plain, room, charset)
  // Where not even one character fits.
  return bytesOf(shown, charset) > room ? mark : `${shown.trimEnd()}${mark}`
}

/** The first of the pieces of a text. */
function beginning(text: string, most: number, charset: Charset): string {
  const fits = between(text, most, charset)
  if (fits.length === text.length) return text
  // Half of it at least: a text of one long word must not become many short messages.
  const line = fits.lastIndexOf('\n')
  if (line > fits.length / 2) return fits.slice(0, line)
  const space = text[fits.length] === ' ' ? fits.length : fits.lastIndexOf(' ')
  return space > fits.length / 2 ? fits.slice(0, space) : fits
}

/** As much of the beginning as fits, ending between two graphemes. */
function between(text: string, most: number, charset: Charset): string {
  const end = fitting(text, most, charset)
  if (end === text.length) return text
  const from = Math.max(0, end - WINDOW)
  // What follows the cut decides whether it is one.
  const window = text.slice(from, end + WINDOW)
  let cut = -1
  for (const { index } of graphemes.segment(window)) {
    if (from + index > end) break
    cut = index
  }
  const last = from + cut
  if (last > from) return text.slice(0, last)
  // One grapheme fills the window, or is longer than a whole message: it is cut between characters.
  return text.slice(0, Math.max(firstCharacter(text), isHalf(text, end) ? end - 1 : end))
}

/** How many code units fit. */
function fitting(text: string, most: number, charset: Charset): number {
  if (charset !== 'utf-8') return Math.min(text.length, charset === 'utf-16be' ? Math.floor(most / 2) : most)
  if (text.length * 3 <= most) return text.length
  let bytes = 0
  let index = 0
  while (index < text.length) {
    const code = text.codePointAt(index)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (bytes > most) break
    index += code < 0x10000 ? 1 : 2
  }
  return index
}

function isHalf(text: string, end: number): boolean {
  const code = text.charCodeAt(end)
  return end > 0 && code >= 0xdc00 && code <= 0xdfff
}

function firstCharacter(text: string): number {
  return (text.codePointAt(0) ?? 0) > 0xffff ? 2 : 1
}
