const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Pieces of at most so many bytes, cut between graphemes, and where one is longer than that between characters. */
export function split(text: string, most: number): string[] {
  const pieces: string[] = []
  let piece = ''
  let bytes = 0
  const add = (part: string, length: number) => {
    if (bytes + length > most && piece !== '') {
      pieces.push(piece)
      piece = ''
      bytes = 0
    }
    piece += part
    bytes += length
  }
  for (const { segment } of graphemes.segment(text)) {
    const length = Buffer.byteLength(segment)
    if (length <= most) add(segment, length)
    else for (const character of segment) add(character, Buffer.byteLength(character))
  }
  return piece === '' ? pieces : [...pieces, piece]
}
