import { el } from '@parley/xml'
import { readDocument, writeDocument } from '../document.ts'
import { token } from '../wire/token.ts'

export const CPIM = 'message/cpim'
export const IMDN = 'message/imdn+xml'
const HEADERS = 'urn:ietf:params:imdn'
const NS = 'urn:ietf:params:xml:ns:imdn'
const MOST_HEADERS = 64

/** A message in an envelope (RFC 3862), with what RFC 5438 says on it. */
export interface Envelope {
  readonly type: string
  readonly body: Buffer
  readonly id: string | undefined
  readonly subject: string | undefined
  /** As it stands there. */
  readonly date: string | undefined
  /** What the sender wants to hear of: `positive-delivery`, `display`. */
  readonly wants: readonly string[]
}

const HEADER = /^([A-Za-z0-9.!#$%&'*+^_`|~-]{1,64}):(.*)$/

export function readEnvelope(bytes: Buffer): Envelope | undefined {
  const [outer, afterOuter] = head(bytes)
  const [inner, body] = head(afterOuter)
  if (!outer || !inner) return undefined
  // The prefix of a header is whatever the envelope has bound to the namespace (RFC 3862 §3.4).
  const prefix = outer.flatMap(([name, value]) => {
    const bound = name === 'ns' ? /^(\S*)\s*<([^<>]*)>$/.exec(value) : null
    return bound?.[2] === HEADERS ? [`${bound[1]!.toLowerCase()}.`] : []
  })[0]
  const own = (name: string) => (prefix === undefined ? undefined : find(outer, prefix + name))
  const id = own('message-id')
  return {
    type: find(inner, 'content-type') ?? 'text/plain',
    body,
    id: id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) ? id : undefined,
    subject: find(outer, 'subject')?.replace(/^;lang=\S+\s+/, ''),
    date: find(outer, 'datetime'),
    wants: (own('disposition-notification') ?? '').split(',').map(one => one.trim().toLowerCase()),
  }
}

function find(headers: readonly (readonly [string, string])[], name: string): string | undefined {
  return headers.find(([has]) => has === name)?.[1]
}

/** Header lines up to an empty line, and what is behind; undefined where there is no such thing. */
function head(bytes: Buffer): [headers: (readonly [string, string])[] | undefined, rest: Buffer] {
  const none: [undefined, Buffer] = [undefined, bytes]
  let end = bytes.indexOf('\r\n\r\n')
  let width = 4
  if (end === -1) [end, width] = [bytes.indexOf('\n\n'), 2]
  if (end === -1) return none
  const lines = bytes.toString('utf8', 0, end).split(/\r?\n/)
  if (lines.length > MOST_HEADERS) return none
  const headers: (readonly [string, string])[] = []
  for (const line of lines) {
    const [, name, value] = HEADER.exec(line) ?? []
    if (name === undefined) return none
    headers.push([name.toLowerCase(), value!.trim()])
  }
  return [headers, bytes.subarray(end + width)]
}

interface Outside {
  readonly from: string
  readonly to: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly id: string
}

/** A text that asks to be told of its arrival. */
export function writeEnvelope(outside: Outside, text: string): Buffer {
  const wants = 'imdn.Disposition-Notification: positive-delivery, display'
  return envelope(outside, [wants], ['Content-Type: text/plain; charset=UTF-8'], Buffer.from(text))
}

export interface Notification {
  readonly id: string
  /** As the message had it. */
  readonly date: string | undefined
  readonly level: 'delivered' | 'read'
}

/** Says that a message has arrived, or was shown (RFC 5438 §7.2). */
export function writeNotification(outside: Omit<Outside, 'id'>, about: Notification): Buffer {
  const [name, status] =
    about.level === 'read' ? ['display-notification', 'displayed'] : ['delivery-notification', 'delivered']
  const body = writeDocument(
    el(
      'imdn',
      NS,
      null,
      el('message-id', NS, null, about.id),
      el('datetime', NS, null, about.date ?? new Date(outside.at).toISOString()),
      el('recipient-uri', NS, null, outside.from),
      el(name, NS, null, el('status', NS, null, el(status, NS))),
    ),
  )
  return envelope({ ...outside, id: token() }, [], [`Content-Type: ${IMDN}`, 'Content-Disposition: notification'], body)
}

function envelope(outside: Outside, more: readonly string[], inner: readonly string[], body: Buffer): Buffer {
  const lines = [
    `From: <${outside.from}>`,
    `To: <${outside.to}>`,
    `DateTime: ${new Date(outside.at).toISOString()}`,
    `NS: imdn <${HEADERS}>`,
    `imdn.Message-ID: ${outside.id}`,
    ...more,
    '',
    ...inner,
    `Content-Length: ${body.length}`,
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(lines.join('\r\n')), body])
}

/** Undefined where it says that something failed, or nothing that is known here. */
export function readNotification(bytes: Buffer): Omit<Notification, 'date'> | undefined {
  const root = readDocument(bytes)
  const id = root?.is('imdn', NS) ? root.textOf('message-id')?.trim() : undefined
  if (!root || !id || id.length > 128) return undefined
  const status = (name: string) => root.child(`${name}-notification`)?.child('status')
  if (status('display')?.child('displayed')) return { id, level: 'read' }
  return status('delivery')?.child('delivered') ? { id, level: 'delivered' } : undefined
}
