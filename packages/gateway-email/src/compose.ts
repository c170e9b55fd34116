import { AdapterError } from '@parley/adapter'

export interface Mail {
  readonly from: string
  /** What is shown for it. */
  readonly name: string
  readonly to: string
  readonly subject: string
  readonly text: string
  /** With its angle brackets. */
  readonly id: string
  readonly inReplyTo?: string
  readonly references: readonly string[]
  /** Milliseconds since 1970. */
  readonly at: number
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * A mail of one part of plain text (RFC 5322, RFC 2045), lines ending with CRLF, dots not doubled.
 * @throws AdapterError where something would begin another field (threat 153)
 */
export function compose(mail: Mail): string {
  const fields: [string, string][] = [
    ['From', `${words(mail.name, /^[A-Za-z0-9 ]{0,60}$/)} <${mail.from}>`],
    ['To', `<${mail.to}>`],
    ['Subject', words(mail.subject)],
    ['Date', dateOf(mail.at)],
    ['Message-ID', mail.id],
    ...(mail.inReplyTo === undefined ? [] : [['In-Reply-To', mail.inReplyTo] as [string, string]]),
    ...(mail.references.length === 0 ? [] : [['References', mail.references.join('\r\n ')] as [string, string]]),
    ['X-Auto-Response-Suppress', 'All'],
    ['MIME-Version', '1.0'],
    ['Content-Type', 'text/plain; charset=utf-8'],
  ]
  for (const text of [mail.from, mail.to, mail.id, mail.inReplyTo ?? '', ...mail.references])
    if (/[\x00-\x20\x7f]/.test(text)) throw refused()
  const text = mail.text.replace(/\r\n|\r|\n/g, '\r\n').replace(/\p{Cs}/gu, '\ufffd')
  const plain = /^[\t\r\n\x20-\x7e]*$/.test(text) && text.split('\r\n').every(line => line.length <= 900)
  fields.push(['Content-Transfer-Encoding', plain ? '7bit' : 'base64'])
  const body = plain
    ? text
    : Buffer.from(text)
        .toString('base64')
        .replace(/.{76}(?=.)/g, '$&\r\n')
  return `${fields.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}\r\n`
}

/** Words in a field: in ASCII as they are, otherwise encoded (RFC 2047), in pieces of at most 75 signs. @throws AdapterError */
function words(text: string, plain = /^[ -~]{0,60}$/): string {
  if (/[\r\n\0]/.test(text)) throw refused()
  const one = text
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim()
  if (plain.test(one) && !one.includes('=?')) return one
  const pieces: string[] = []
  let piece = ''
  for (const sign of one) {
    if (Buffer.byteLength(piece + sign) > 42) {
      pieces.push(piece)
      piece = ''
    }
    piece += sign
  }
  return [...pieces, piece].map(each => `=?utf-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ')
}

/** RFC 5322 § 3.3, in universal time. */
export function dateOf(at: number): string {
  const date = new Date(at)
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}

function refused(): AdapterError {
  return new AdapterError('denied', 'A subject or an address is one line')
}
