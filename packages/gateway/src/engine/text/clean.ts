/** What XML 1.0 does not have, and what turns or breaks lines for those who do not expect it; not tab, not line feed. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/
const ALL_CONTROLS = new RegExp(CONTROLS.source, 'g')
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g
const LONE = /\p{Surrogate}/u
const ALL_LONE = /\p{Surrogate}/gu

/**
 * Text without control characters but line feeds and tabs, each line end one line feed, halves of characters replaced: no text
 * becomes a command of the network or breaks a stanza (threat 152).
 */
export function clean(text: string): string {
  if (!CONTROLS.test(text) && !LONE.test(text)) return text
  return text.replace(LINE_ENDS, '\n').replace(ALL_CONTROLS, '').replace(ALL_LONE, '\ufffd')
}

/** The same on one line: for names, topics, nicks and the like. */
export function cleanLine(text: string): string {
  return clean(text)
    .replace(/[\n\t]+/g, ' ')
    .trim()
}
