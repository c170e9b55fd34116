/** Where the bits of a word begin, and how far apart they are; both below 2³². */
export interface WordHash {
  readonly first: number
  readonly step: number
}

/** With 16 bits for each word and 6 of them set, one of 1500 words that are not there seems to be there. */
const BITS_PER_WORD = 16
const BITS_SET = 6
const MIN_BYTES = 8
/** A span of very long messages has a filter that says less. */
const MAX_BYTES = 16_384

/** The two halves are FNV-1a with different beginnings, well mixed: neighbouring words must not share their bits. */
export function wordHash(word: string): WordHash {
  return { first: fnv(word, 0x811c9dc5), step: (fnv(word, 0x2f7b4d1b) | 1) >>> 0 }
}

/** Where the bits of a word are, before they are brought into the length of a filter. */
export function positions({ first, step }: WordHash): number[] {
  return Array.from({ length: BITS_SET }, (_, n) => first + n * step)
}

/** A Bloom filter of the words. Bit `n` is bit `n % 8` of byte `n / 8`, as the database counts them. */
export function wordFilter(words: ReadonlySet<string>): Buffer {
  const bytes = Math.max(MIN_BYTES, Math.min(MAX_BYTES, Math.ceil((words.size * BITS_PER_WORD) / 8)))
  const filter = Buffer.alloc(bytes)
  for (const word of words) {
    for (const position of positions(wordHash(word))) {
      const bit = position % (bytes * 8)
      filter[bit >> 3]! |= 1 << (bit & 7)
    }
  }
  return filter
}

function fnv(word: string, start: number): number {
  let hash = start
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
