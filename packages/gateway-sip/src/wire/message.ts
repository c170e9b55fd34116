import { AdapterError } from '@parley/adapter'
import { Headers, headerName } from './headers.ts'

export interface Request {
  readonly method: string
  /** Of the request, as it stands there. */
  readonly target: string
  readonly headers: Headers
  readonly body: Buffer
}

export interface Response {
  readonly status: number
  readonly reason: string
  readonly headers: Headers
  readonly body: Buffer
}

export type Message = Request | Response

export const isRequest = (message: Message): message is Request => 'method' in message

/** Bytes of everything before the body. */
export const MOST_HEAD = 16_384
export const MOST_BODY = 65_536
const MOST_LINES = 256

const REQUEST_LINE = /^([A-Za-z0-9.!%*_+`'~-]{1,32}) ([^\s<>]{1,1024}) (SIP\/\d{1,3}\.\d{1,3})$/i
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/i
const HEADER = /^([A-Za-z0-9.!%*_+`'~-]{1,64})[ \t]*:(.*)$/s

const unreadable = (what: string) => new AdapterError('protocol', `The other side sent no SIP message: ${what}`)

/**
 * Reads what is before a body (RFC 3261 §7), the empty line left out. Lines may be folded (§7.3.1). It says nothing of
 * whether the message may be answered: that is `faultOf`.
 *
 * @throws AdapterError `protocol` where there is nothing that could be answered
 */
export function parseHead(head: Buffer): Omit<Request, 'body'> | Omit<Response, 'body'> {
  if (head.length > MOST_HEAD) throw unreadable('its head is too long')
  const text = head.toString('utf8').replace(/^(?:\r?\n)+/, '')
  const lines = text.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
  if (lines.length > MOST_LINES) throw unreadable('it has too many headers')
  if (/[\r\0]/.test(text.replaceAll('\r\n', '\n'))) throw unreadable('a line has a break in it')
  const [first = '', ...rest] = lines
  const headers = new Headers()
  for (const line of rest) {
    if (line === '') continue
    const [, name, value] = HEADER.exec(line) ?? []
    if (name === undefined) throw unreadable('a line is no header')
    headers.add(headerName(name), value!.trim())
  }
  const status = STATUS_LINE.exec(first)
  if (status) return { status: Number(status[1]), reason: status[2] ?? '', headers }
  const [, method, target, version] = REQUEST_LINE.exec(first) ?? []
  if (method === undefined) throw unreadable('it begins as none')
  // §21.5.6: another version is answered, so it is kept where it can be seen.
  if (version!.toUpperCase() !== 'SIP/2.0') headers.add('x-version', version)
  return { method, target: target!, headers }
}

/** Reads a datagram: what is behind the length that it says is left out, what is short of it is a fault (§18.3). */
export function parseDatagram(bytes: Buffer): Message {
  const end = bytes.indexOf('\r\n\r\n')
  const head = parseHead(end === -1 ? bytes : bytes.subarray(0, end))
  const body = end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 4)
  const length = bodyLength(head.headers) ?? body.length
  return { ...head, body: Buffer.from(body.subarray(0, Math.min(length, MOST_BODY))) }
}

/** What Content-Length says; undefined where it says nothing, or nothing of sense. */
export function bodyLength(headers: Headers): number | undefined {
  const text = headers.get('content-length')
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

export function formatMessage(message: Message): Buffer {
  const first = isRequest(message)
    ? `${message.method} ${message.target} SIP/2.0`
    : `SIP/2.0 ${message.status} ${message.reason}`
  message.headers.set('content-length', message.body.length)
  return Buffer.concat([Buffer.from(`${first}\r\n${message.headers}\r\n`), message.body])
}
