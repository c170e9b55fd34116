import { parseAddress, parseSequence, parseVia } from './fields.ts'
import { bodyLength, type Request } from './message.ts'

export interface Fault {
  readonly status: number
  readonly reason: string
}

const ONCE = ['from', 'to', 'call-id', 'cseq'] as const
const AT_MOST_ONCE = [
  'max-forwards',
  'content-length',
  'content-type',
  'event',
  'expires',
  'subscription-state',
] as const

/**
 * What is wrong with a request, as its answer says it (RFC 3261 §8.2, RFC 4475). A header that there may be one of and is twice
 * there is how one side is told another sender than the next (threat 155): 400.
 */
export function faultOf(request: Request): Fault | undefined {
  const { headers } = request
  if (headers.get('x-version') !== undefined) return { status: 505, reason: 'Version Not Supported' }
  for (const name of ONCE)
    if (headers.count(name) !== 1)
      return bad(`${headers.count(name) === 0 ? 'Missing' : 'More than one'} ${name} header`)
  for (const name of AT_MOST_ONCE) if (headers.count(name) > 1) return bad(`More than one ${name} header`)
  const via = headers.list('via')[0]
  if (via === undefined || !parseVia(via)) return bad('No Via that can be answered')
  const from = parseAddress(headers.get('from')!)
  if (!from || !parseAddress(headers.get('to')!)) return bad('From or To is no address')
  if (!/^[^\s]{1,256}$/.test(headers.get('call-id')!)) return bad('Call-ID is none')
  const sequence = parseSequence(headers.get('cseq')!)
  if (!sequence || sequence.method !== request.method) return bad('CSeq is none of this method')
  const length = headers.get('content-length')
  if (length !== undefined && bodyLength(headers) === undefined) return bad('Content-Length is no number')
  if ((bodyLength(headers) ?? 0) > request.body.length) return bad('The body is cut')
  const hops = headers.get('max-forwards')
  if (hops !== undefined && !/^\d{1,3}$/.test(hops)) return bad('Max-Forwards is no number')
  if (Number(hops ?? 70) === 0 && request.method !== 'OPTIONS') return { status: 483, reason: 'Too Many Hops' }
  const expires = headers.get('expires')
  if (expires !== undefined && !/^\d{1,10}$/.test(expires)) return bad('Expires is no number')
  return undefined
}

const bad = (why: string): Fault => ({ status: 400, reason: `Bad Request: ${why}` })
