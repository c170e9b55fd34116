import { fieldsOf, listOf, numberOf, textOf } from './json.ts'

/** Units of UTF-16 in one message (Bot API, `sendMessage`). */
export const MOST = 4096

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Pieces that are short enough, cut at line breaks or spaces where there are some near, else between graphemes. */
export function piecesOf(text: string, most = MOST): string[] {
  const pieces: string[] = []
  let rest = text.replace(/\p{Cs}/gu, '\ufffd')
  while (rest.length > most) {
    const at = cutAt(rest, most)
    pieces.push(rest.slice(0, at))
    rest = rest.slice(at).replace(/^[ \n]/, '')
  }
  return [...pieces, rest].filter(piece => piece.trim() !== '')
}

function cutAt(text: string, most: number): number {
  for (const sign of ['\n', ' ']) {
    const at = text.lastIndexOf(sign, most)
    if (at > most / 2) return at
  }
  // A grapheme is rarely longer than this; one that is is cut between its code points.
  const from = Math.max(0, most - 64)
  let end = 0
  for (const { index, segment } of graphemes.segment(text.slice(from, most + 64)))
    if (from + index + segment.length <= most) end = from + index + segment.length
  if (end > 0) return end
  return /[\ud800-\udbff]/.test(text[most - 1]!) ? most - 1 : most
}

/** The words of a message; links behind words are shown. Offsets are in units of UTF-16, as those of strings are here. */
export function wordsOf(text: string, entities: unknown): string {
  let shown = ''
  let at = 0
  for (const entity of listOf(entities).slice(0, 200)) {
    const fields = fieldsOf(entity)
    const url = textOf(fields?.['url'])
    const start = numberOf(fields?.['offset']) ?? -1
    const end = start + (numberOf(fields?.['length']) ?? 0)
    if (fields?.['type'] !== 'text_link' || url === undefined || start < at || end <= start || end > text.length)
      continue
    shown += `${text.slice(at, end)} (${url.slice(0, 2000)})`
    at = end
  }
  return clean(shown + text.slice(at))
}

/** Without control characters but line breaks. */
export function clean(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim()
}

/** One line, not too long: a name, a title. */
export function lineOf(text: string): string {
  return clean(text.replace(/\s+/g, ' ')).slice(0, 200)
}
