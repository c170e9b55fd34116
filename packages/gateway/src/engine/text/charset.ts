import type { Capabilities } from '@parley/adapter'

export type Charset = Capabilities['charset']

/** Beyond Latin-1 each character becomes one question mark. */
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/gu
const SPELLED: Readonly<Record<string, string>> = {
  ...{ '\u2018': "'", '\u2019': "'", '\u201a': ',', '\u201c': '"', '\u201d': '"', '\u201e': '"' },
  ...{ '\u2013': '-', '\u2014': '-', '\u2026': '...', '\u20ac': 'EUR', '\u00a0': ' ' },
}

/** Bytes of a text in a charset. */
export function bytesOf(text: string, charset: Charset): number {
  if (charset === 'utf-8') return Buffer.byteLength(text)
  return charset === 'utf-16be' ? text.length * 2 : text.length
}

/** What a charset can say of a text. */
export function inCharset(text: string, charset: Charset): string {
  if (charset !== 'latin1') return text
  return text.normalize('NFC').replace(BEYOND_LATIN1, character => SPELLED[character] ?? '?')
}
