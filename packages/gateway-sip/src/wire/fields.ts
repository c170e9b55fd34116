import { cut } from './headers.ts'
import { formatParams, parseParams, parseUri, quote, type Uri, unquote } from './uri.ts'

/** From, To, Contact, Route and the like (RFC 3261 §20.10): an address, perhaps with a name, and what is said of it. */
export interface Address {
  readonly name: string | undefined
  /** As it stands there: it may be of a scheme that is not ours. */
  readonly target: string
  /** Undefined where the address is no `sip:` one. */
  readonly uri: Uri | undefined
  readonly params: ReadonlyMap<string, string>
}

const NAMED = /^([^<]*)<([^<>\s]*)>\s*(?:;(.*))?$/s

export function parseAddress(text: string): Address | undefined {
  const value = text.trim()
  const quotedEnd = value.startsWith('"') ? endOfQuotation(value) : 0
  if (quotedEnd === -1) return undefined
  const named = NAMED.exec(value.slice(quotedEnd))
  if (named) {
    const name = quotedEnd > 0 ? unquote(value.slice(0, quotedEnd)) : named[1]!.trim()
    const target = named[2]!
    return { name: name || undefined, target, uri: parseUri(target), params: parseParams(cut(named[3] ?? '', ';')) }
  }
  // Without brackets, parameters are of the header and not of the address (§20).
  if (quotedEnd > 0 || /[<>\s?,]/.test(value.split(';', 1)[0]!)) return undefined
  const [target = '', ...params] = cut(value, ';')
  return /^[a-z][a-z0-9+.-]*:./i.test(target)
    ? { name: undefined, target, uri: parseUri(target), params: parseParams(params) }
    : undefined
}

function endOfQuotation(text: string): number {
  for (let i = 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  return -1
}

export function formatAddress(target: string, params?: ReadonlyMap<string, string>, name?: string): string {
  return `${name === undefined ? '' : `${quote(name)} `}<${target}>${formatParams(params)}`
}

/** Where an answer goes (§20.42). */
export interface Via {
  readonly transport: string
  readonly host: string
  readonly port: number | undefined
  readonly params: ReadonlyMap<string, string>
}

const VIA =
  /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9-]{1,16})\s+(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})\s*(?::\s*(\d{1,5}))?$/

export function parseVia(text: string): Via | undefined {
  const [first = '', ...params] = cut(text, ';')
  const via = VIA.exec(first)
  const port = via?.[3] === undefined ? undefined : Number(via[3])
  if (!via || port! > 65_535) return undefined
  return { transport: via[1]!.toUpperCase(), host: via[2]!.toLowerCase(), port, params: parseParams(params) }
}

export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`
  return `SIP/2.0/${via.transport} ${via.host}${port}${formatParams(via.params)}`
}

export interface Sequence {
  readonly number: number
  readonly method: string
}

/** CSeq; its number is below 2³¹ (§8.1.1.5). */
export function parseSequence(text: string): Sequence | undefined {
  const match = /^\s*(\d{1,10})\s+([A-Za-z0-9.!%*_+`'~-]{1,32})\s*$/.exec(text)
  const number = Number(match?.[1])
  return match && number < 2 ** 31 ? { number, method: match[2]! } : undefined
}

/** `text/plain; charset=UTF-8`: the type in lower case, and its parameters. */
export function parseType(text: string): { readonly type: string; readonly params: ReadonlyMap<string, string> } {
  const [type = '', ...params] = cut(text, ';')
  return { type: type.replace(/\s/g, '').toLowerCase(), params: parseParams(params) }
}
