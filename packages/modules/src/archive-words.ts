/** Scripts that put no space between words: each character is looked for by itself, and with its neighbour. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}'
const TOKEN = new RegExp(`[${UNSPACED}]|(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}])+`, 'gu')
const IS_UNSPACED = new RegExp(`^[${UNSPACED}]$`, 'u')
/** What is between the quotes, or a word; an open quote goes to the end. */
const PHRASE = /"([^"]*)"?|[^\s"]+/g
/** Phrases of one query; more are not looked at. */
const PHRASES = 50

/** Tokens that stand in this order, with nothing but punctuation and spaces between them. */
export type Phrase = readonly string[]

/** The words of a text in any language, in order: small letters, characters that look the same made the same. */
export function tokensOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(TOKEN) ?? []
}

/** What an index knows of a sequence of tokens: each, and the pairs of scripts without spaces. */
export function wordsOf(tokens: readonly string[]): string[] {
  const words = [...tokens]
  for (let i = 1; i < tokens.length; i++) {
    if (IS_UNSPACED.test(tokens[i - 1]!) && IS_UNSPACED.test(tokens[i]!)) words.push(tokens[i - 1]! + tokens[i]!)
  }
  return words
}

/** Reads what somebody looks for: words and "quoted phrases", all of which must be there. No text is wrong; some say nothing. */
export function phrasesOf(query: string): Phrase[] {
  const phrases: Phrase[] = []
  for (const [whole, quoted] of query.matchAll(PHRASE)) {
    const tokens = tokensOf(quoted ?? whole)
    if (tokens.length > 0) phrases.push(tokens)
    if (phrases.length === PHRASES) break
  }
  return phrases
}

/** Whether a text has all the phrases. */
export function hasPhrases(tokens: readonly string[], phrases: readonly Phrase[]): boolean {
  return phrases.every(phrase => hasPhrase(tokens, phrase))
}

function hasPhrase(tokens: readonly string[], phrase: Phrase): boolean {
  for (let at = tokens.indexOf(phrase[0]!); at >= 0; at = tokens.indexOf(phrase[0]!, at + 1)) {
    if (phrase.every((token, n) => tokens[at + n] === token)) return true
  }
  return false
}
