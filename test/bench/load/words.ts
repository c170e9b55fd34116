/** Different words that occur. */
export const WORDS = 50_000
const IN_A_LINE = 12
const LETTERS = 'etaoinshrdlucmfwypvbgkqjxz'

/** A word by its rank, 1 being the most frequent. */
export function wordOf(rank: number): string {
  let word = ''
  // An odd factor spreads neighbours, and one to one.
  for (let rest = (rank * 2_654_435_761) % 2 ** 32; rest > 0; rest = Math.floor(rest / LETTERS.length)) {
    word += LETTERS[rest % LETTERS.length]
  }
  return word
}

/** The n-th of many messages of different words, as frequent as words of a language are (Zipf); the same in each run. */
export function line(to: string, n: number): string {
  let state = (n + 1) * 0x9e3779b9
  const random = () => {
    state = Math.imul(state ^ (state >>> 16), 0x45d9f3b) + 0x9e3779b9
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
  const words = Array.from({ length: IN_A_LINE }, () => wordOf(Math.floor(WORDS ** random())))
  return `<message to='${to}' type='chat' id='l${n}'><body>${words.join(' ')}</body></message>`
}
