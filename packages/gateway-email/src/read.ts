import { createHash } from 'node:crypto'
import PostalMime, { type Email } from 'postal-mime'
import { canonical } from './address.ts'
import { wordsOf } from './html.ts'
import { ownWords } from './quoting.ts'

const NESTING = 20
const HEADERS = 131_072
/** Servers on the way (RFC 5321 § 6.3); more are a loop. */
const HOPS = 50
const DAY = 86_400_000

export type Read =
  | {
      readonly type: 'message'
      readonly from: string
      readonly id: string
      readonly text: string
      readonly subject: string
      readonly inReplyTo: string | undefined
      readonly references: readonly string[]
      readonly at: number
      /** What the mail server found about its origin (RFC 8601), topmost first. */
      readonly results: readonly string[]
    }
  /** Something did not arrive. `ids`: of the mails that the report names. */
  | { readonly type: 'bounce'; readonly ids: readonly string[]; readonly final: boolean }
  /** Written by a program: for the user to see, for nobody to answer (RFC 3834). */
  | { readonly type: 'automatic'; readonly from: string; readonly subject: string; readonly text: string }

/** What a mail is; undefined: not one that can be read, or one that goes in circles. */
export async function readMail(envelopeFrom: string, bytes: Uint8Array, now: number): Promise<Read | undefined> {
  const email = await parse(bytes)
  if (!email) return undefined
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value.trim()
  if (email.headers.filter(({ key }) => key === 'received').length > HOPS) return undefined
  if (
    /^multipart\/report\b/i.test(header('content-type') ?? '') &&
    /report-type="?delivery-status/i.test(header('content-type')!)
  )
    return bounce(bytes, email.messageId)
  const from = canonical((email.from && 'address' in email.from && email.from.address) || envelopeFrom)
  if (from === undefined) return undefined
  const subject = oneLine(email.subject ?? '').slice(0, 500)
  if (envelopeFrom === '' || isAutomatic(header)) {
    const failed = header('x-failed-recipients') !== undefined || /^(?:mailer-daemon|postmaster)@/.test(from)
    if (failed) return bounce(bytes, email.messageId)
    return { type: 'automatic', from, subject, text: textOf(email).slice(0, 1000) }
  }
  const date = Date.parse(email.date ?? '')
  return {
    type: 'message',
    from,
    id: messageId(email.messageId) ?? `<${createHash('sha256').update(bytes).digest('hex')}@parley.invalid>`,
    text: textOf(email) + declined(email),
    subject,
    inReplyTo: messageId(email.inReplyTo),
    references: ids(email.references ?? ''),
    // A clock that is wrong by days does not put a message into another week.
    at: date <= now && date > now - 7 * DAY ? date : now,
    results: email.headers.filter(({ key }) => key === 'authentication-results').map(({ value }) => value),
  }
}

async function parse(bytes: Uint8Array): Promise<Email | undefined> {
  try {
    return await PostalMime.parse(bytes, {
      maxNestingDepth: NESTING,
      maxHeadersSize: HEADERS,
      maxRfc822NestingDepth: 0,
    })
  } catch {
    return undefined
  }
}

function isAutomatic(header: (name: string) => string | undefined): boolean {
  const submitted = header('auto-submitted')
  if (submitted !== undefined && !/^no\b/i.test(submitted)) return true
  if (/^(?:bulk|junk|list|auto_reply)$/i.test(header('precedence') ?? '')) return true
  return ['x-autoreply', 'x-autorespond', 'x-auto-reply', 'list-id', 'list-unsubscribe'].some(
    name => header(name) !== undefined,
  )
}

function bounce(bytes: Uint8Array, own: string | undefined): Read {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const named = [...text.matchAll(/^Message-ID:\s{1,4}(<[^<>\s]{1,250}>)/gim)].map(match => match[1]!)
  const actions = [...text.matchAll(/^Action: ?(\w{1,20})/gim)].map(match => match[1]!.toLowerCase())
  const final = actions.length === 0 || actions.includes('failed')
  return { type: 'bounce', ids: named.filter(id => id !== own).slice(0, 20), final }
}

function textOf(email: Email): string {
  const text = email.text?.trim() ? email.text : wordsOf(email.html ?? '')
  return ownWords(text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '').replace(/\p{Cs}/gu, '\ufffd'))
}

/** Files stay behind; the user is told which. */
function declined(email: Email): string {
  const files = email.attachments.filter(file => !file.related)
  if (files.length === 0) return ''
  const names = files.slice(0, 10).map(file => {
    const size = typeof file.content === 'string' ? file.content.length : file.content.byteLength
    return `${oneLine(file.filename ?? file.mimeType).slice(0, 100)} (${Math.ceil(size / 1024)} KB)`
  })
  const more = files.length > names.length ? ` and ${files.length - names.length} more` : ''
  return `\n[Files that this gateway does not pass on: ${names.join(', ')}${more}]`
}

function oneLine(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim()
}

function messageId(text: string | undefined): string | undefined {
  return /<[^<>\s\x00-\x1f\x7f-\uffff]{1,250}>/.exec(text ?? '')?.[0]
}

function ids(text: string): string[] {
  return (text.slice(0, 20_000).match(/<[^<>\s\x00-\x1f\x7f-\uffff]{1,250}>/g) ?? []).slice(-10)
}
