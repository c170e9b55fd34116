/** Lines that are looked at: what is beyond is cut. */
const LINES = 2000
/** Bytes of text that a mail may become. */
const TEXT = 60_000

/** How programs begin what they quote. */
const ATTRIBUTION = [
  /^On\b.{4,200}\bwrote:$/i,
  /^Am\b.{4,200}\bschrieb\b.{0,100}:$/i,
  /^Le\b.{4,200}\ba écrit\s?:$/i,
  /^El\b.{4,200}\bescribió:$/i,
  /^Il\b.{4,200}\bha scritto:$/i,
  /^.{4,200}<[^<>\s]{3,200}@[^<>\s]{1,200}>.{0,20}:$/,
]
const DIVIDER =
  /^(?:-{2,}\s?(?:Original Message|Ursprüngliche Nachricht|Message d'origine|Forwarded message)\s?-{2,}|_{20,})$/i

/** What its writer has to say: signature and quotations at either end are cut, those between are kept. All of it, where nothing else is left. */
export function ownWords(text: string): string {
  const lines = text
    .slice(0, TEXT)
    .replace(/\r\n?/g, '\n')
    .split('\n', LINES)
    .map(line => line.trimEnd())
  const kept = clean(lines)
  const words = kept.join('\n').trim()
  return words === '' ? lines.join('\n').trim() : words
}

function clean(lines: readonly string[]): readonly string[] {
  const dashes = lines.indexOf('--')
  let end = dashes === -1 ? lines.length : dashes
  const divider = lines.findIndex(line => DIVIDER.test(line))
  if (divider !== -1) end = Math.min(end, divider)
  const blank = (at: number) => lines[at] === ''
  const quoted = (at: number) => lines[at]!.startsWith('>')
  while (end > 0 && blank(end - 1)) end--
  if (end > 0 && quoted(end - 1)) {
    while (end > 0 && (blank(end - 1) || quoted(end - 1))) end--
    end -= attribution(lines, end)
  }
  let start = 0
  while (start < end && blank(start)) start++
  const led = leading(lines, start)
  if (start + led < end && quoted(start + led)) {
    start += led
    while (start < end && (blank(start) || quoted(start))) start++
  }
  return lines.slice(start, end)
}

/** How many lines before `end` say who is quoted: one, or two where a program has broken it. */
function attribution(lines: readonly string[], end: number): number {
  const one = lines[end - 1] ?? ''
  if (ATTRIBUTION.some(pattern => pattern.test(one))) return 1
  const two = `${lines[end - 2] ?? ''} ${one}`.trim()
  return ATTRIBUTION.some(pattern => pattern.test(two)) ? 2 : 0
}

function leading(lines: readonly string[], start: number): number {
  for (const length of [0, 1, 2]) {
    if (!lines[start + length]?.startsWith('>')) continue
    return length === 0 || attribution(lines, start + length) === length ? length : 0
  }
  return 0
}
