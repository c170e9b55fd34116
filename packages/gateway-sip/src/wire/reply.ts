import { formatAddress, formatVia, parseAddress, parseVia } from './fields.ts'
import { Headers } from './headers.ts'
import type { Request, Response } from './message.ts'
import { token } from './token.ts'
import type { Source } from './transports.ts'

export const METHODS = ['MESSAGE', 'SUBSCRIBE', 'NOTIFY', 'OPTIONS', 'INVITE', 'ACK', 'CANCEL', 'BYE'] as const
export const ALLOW = 'MESSAGE, SUBSCRIBE, NOTIFY, OPTIONS'

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  423: 'Interval Too Brief',
  481: 'Subscription Does Not Exist',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  503: 'Service Unavailable',
  603: 'Decline',
}

export type Extra = Readonly<Record<string, string | number | undefined>>

/** An answer (RFC 3261 §8.2.6): the way back, who asked whom, and a tag of ours. */
export function replyTo(request: Request, source: Source, status: number, extra: Extra = {}, tag = token()): Response {
  const { headers: asked } = request
  const headers = new Headers()
  for (const [i, via] of asked.list('via').entries()) headers.add('via', i === 0 ? received(via, source) : via)
  for (const name of ['from', 'call-id', 'cseq', 'timestamp']) headers.add(name, asked.get(name))
  headers.add('to', tagged(asked.get('to'), tag))
  for (const name in extra) headers.add(name, extra[name])
  return { status, reason: REASONS[status] ?? 'Refused', headers, body: Buffer.alloc(0) }
}

/** §18.2.1 and RFC 3581 §4: where it really came from. */
function received(text: string, source: Source): string {
  const via = parseVia(text)
  if (!via) return text
  const params = new Map(via.params).set('received', source.host)
  if (params.has('rport')) params.set('rport', String(source.port))
  return formatVia({ ...via, params })
}

function tagged(to: string | undefined, tag: string): string | undefined {
  const address = to === undefined ? undefined : parseAddress(to)
  if (!address || address.params.has('tag')) return to
  return formatAddress(address.target, new Map(address.params).set('tag', tag), address.name)
}
