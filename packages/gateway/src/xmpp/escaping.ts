/** Characters that no local part has, and how they are written there (XEP-0106 §3.2). */
const CODES: ReadonlyMap<string, string> = new Map(
  [...' "&\'/:<>@\\'].map(character => [character, `\\${character.charCodeAt(0).toString(16)}`]),
)
const CHARACTERS: ReadonlyMap<string, string> = new Map([...CODES].map(([character, code]) => [code, character]))
const CODE = '20|22|26|27|2f|3a|3c|3e|40|5c'
/** A backslash counts only where it would be read as the beginning of a code (§4.2, step 3). */
const TO_ESCAPE = new RegExp(`[ "&'/:<>@]|\\\\(?=${CODE})`, 'g')
const ESCAPED = new RegExp(`\\\\(?:${CODE})`, 'g')

/** The text as a local part may have it. The first and last character must not be a space. */
export function escapeLocal(text: string): string {
  return text.replace(TO_ESCAPE, character => CODES.get(character)!)
}

/** What {@link escapeLocal} has made a local part of. In one go: what comes out of it is not read again. */
export function unescapeLocal(local: string): string {
  return local.replace(ESCAPED, code => CHARACTERS.get(code)!)
}
