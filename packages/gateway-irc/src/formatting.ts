const CTCP = '\x01'
const ACTION = /^\x01ACTION(?: |$)/

/** Colours and faces of mIRC, and other control characters: text without them. */
function plain(text: string): string {
  return text
    .replace(/\x03(?:\d{1,2}(?:,\d{1,2})?)?/g, '')
    .replace(/\x04(?:[0-9a-fA-F]{6}(?:,[0-9a-fA-F]{6})?)?/g, '')
    .replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '')
}

/** What a message says; undefined: a question of one program to another (CTCP), which nobody answers. */
export function heard(text: string): string | undefined {
  if (!text.startsWith(CTCP)) return plain(text)
  return ACTION.test(text) ? `/me ${plain(text.slice(8))}` : undefined
}

/** As it goes out, one line: `/me` is an action. */
export function spoken(line: string): string {
  const text = plain(line).replace(/\p{Cs}/gu, '\ufffd')
  return text.startsWith('/me ') ? `${CTCP}ACTION ${text.slice(4)}${CTCP}` : text
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Lines of at most so many bytes, cut at spaces where there are some near, else between graphemes; empty ones are left out. */
export function linesOf(text: string, bytes: number): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .flatMap(line => cut(line, bytes))
    .filter(line => line.trim() !== '')
}

function cut(line: string, bytes: number): string[] {
  const pieces: string[] = []
  let rest = line
  while (Buffer.byteLength(rest) > bytes) {
    // No more signs than bytes: what lies behind need not be looked at.
    const head = rest.slice(0, bytes)
    let end = 0
    let size = 0
    for (const { segment } of graphemes.segment(head)) {
      size += Buffer.byteLength(segment)
      if (size > bytes) break
      end += segment.length
    }
    const space = rest.lastIndexOf(' ', end)
    const at = space > end / 2 ? space : end || codePointEnd(rest, bytes)
    pieces.push(rest.slice(0, at))
    rest = rest.slice(at).replace(/^ /, '')
  }
  return [...pieces, rest]
}

/** One grapheme that is longer than a line: it is cut between code points. */
function codePointEnd(text: string, bytes: number): number {
  let end = 0
  let size = 0
  for (const sign of text) {
    size += Buffer.byteLength(sign)
    if (size > bytes && end > 0) break
    end += sign.length
  }
  return end
}
