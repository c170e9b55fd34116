import { JidError, nicknameKey } from '@parley/jid'

/** What nicks are compared by: two are alike where either is the same. */
export interface Looks {
  /** By the Nickname profile (RFC 8266 §2.4): case, spaces and compatible characters do not count. */
  readonly key: string
  /** Letters of other alphabets as the Latin ones that they look like. */
  readonly shape: string
}

/** What nothing needs to be done to but for its case. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/

/** Letters of other alphabets, and the Latin ones in their place. */
const ALIKE = [
  // Cyrillic
  ['АВЕІЈКМНОРСЅТУХҮӀԌԚԜѴЬ', 'ABEIJKMHOPCSTYXYlGQWVb'],
  ['аеіјкосрѕухүһӏԁԛԝѵг', 'aeijkocpsyxyhldqwvr'],
  // Greek
  ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ABEZHIKMNOPTYX'],
  ['αγικνορσυχϳ', 'ayikvopouxj'],
  // Latin, and what is not a letter
  ['ıɡɑȷ01|', 'igajoll'],
] as const

/**
 * What a reader takes for a Latin letter, after the idea of UTS 39 §4 ("skeleton"). Its table has thousands of entries; these
 * are the alphabets that share most shapes with the Latin one. Latin letters themselves are told apart ("rn" is no "m"): people
 * have such names in good faith.
 */
const LATIN: ReadonlyMap<string, string> = new Map(
  ALIKE.flatMap(([letters, shapes]) => [...letters].map((letter, n) => [letter, shapes[n]!] as const)),
)

export function looksOf(nick: string): Looks {
  return { key: keyOf(nick), shape: shapeOf(nick) }
}

export function areAlike(one: Looks, other: Looks): boolean {
  return one.key === other.key || one.shape === other.shape
}

function keyOf(nick: string): string {
  if (PLAIN.test(nick)) return nick.toLowerCase()
  try {
    return nicknameKey(nick)
  } catch (error) {
    // Kept from before: it is like nothing but itself.
    if (error instanceof JidError) return nick
    throw error
  }
}

/** Capitals have shapes of their own, so they are replaced before they are made small. */
function shapeOf(nick: string): string {
  let shape = ''
  for (const letter of nick.normalize('NFKC').normalize('NFD')) shape += LATIN.get(letter) ?? letter
  return shape.toLowerCase().normalize('NFC')
}
