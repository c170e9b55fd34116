const CHANNEL = '#&+!'
/** Bytes; channels had 200 at most (RFC 1459 § 1.3), and have 64 today; nicknames have less everywhere. */
const CHANNEL_BYTES = 150
const NICK_BYTES = 64

export function isChannel(id: string): boolean {
  return id !== '' && CHANNEL.includes(id[0]!)
}

/**
 * The one spelling of a nickname or channel: lower-case in ASCII. Networks that also take `[]\~` for `{}|^` fold them before
 * (see `fold`), so that no two persons become one.
 */
export function canonical(id: string): string | undefined {
  // Spaces, commas and control characters separate names (RFC 2812 § 2.3.1); the others are masks, or ends of lines.
  if (/[\x00-\x20\x7f,]/.test(id) || /\p{Cs}/u.test(id)) return undefined
  if (isChannel(id)) return id.length > 1 && Buffer.byteLength(id) <= CHANNEL_BYTES ? lower(id) : undefined
  if (id === '' || Buffer.byteLength(id) > NICK_BYTES || /[!@*?:]|^[-~%.$]/.test(id)) return undefined
  return lower(id)
}

function lower(text: string): string {
  return text.replace(/[A-Z]/g, sign => sign.toLowerCase())
}

export type CaseMapping = 'ascii' | 'rfc1459' | 'strict-rfc1459'

/** As the server compares names (`CASEMAPPING`). */
export function fold(name: string, mapping: CaseMapping): string {
  const text = lower(name)
  if (mapping === 'ascii') return text
  const folded = text.replaceAll('[', '{').replaceAll(']', '}').replaceAll('\\', '|')
  return mapping === 'rfc1459' ? folded.replaceAll('~', '^') : folded
}

/** Whether a mask of a ban (`*!*@host`) is that of `source`. Linear: masks come from strangers. */
export function matches(mask: string, source: string): boolean {
  let m = 0
  let s = 0
  let star = -1
  let from = 0
  while (s < source.length) {
    if (m < mask.length && mask[m] === '*') {
      star = m++
      from = s
    } else if (m < mask.length && (mask[m] === '?' || mask[m] === source[s])) {
      m++
      s++
    } else if (star >= 0) {
      m = star + 1
      s = ++from
    } else return false
  }
  while (mask[m] === '*') m++
  return m === mask.length
}
