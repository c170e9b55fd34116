/** A `sip:` or `sips:` address (RFC 3261 §19.1). Headers within a URI (`?Subject=…`) are left out: nothing here wants them. */
export interface Uri {
  readonly secure: boolean
  /** Without escapes; undefined where the address names a host alone. */
  readonly user: string | undefined
  /** Lower-case; an IPv6 address keeps its brackets. */
  readonly host: string
  readonly port: number | undefined
  /** By lower-case names; a parameter without a value has the value ''. */
  readonly params: ReadonlyMap<string, string>
}

const SCHEME = /^(sips?):/i
const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9.])?)(?::(\d{1,5}))?$/
/** What stands for itself in a user part (§25.1: unreserved, user-unreserved); the rest is escaped. */
const PLAIN_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu
const HALF = /\p{Cs}/u
const MOST = 1024

/** The address that a text is, or undefined: for every text there is. */
export function parseUri(text: string): Uri | undefined {
  const scheme = SCHEME.exec(text)
  if (!scheme || text.length > MOST) return undefined
  const rest = text.slice(scheme[0].length)
  // A user part may have `;` and `?` in it, so what is before the last `@` that can end one comes off first.
  const at = rest.indexOf('@')
  const [before, after] = at === -1 ? [undefined, rest] : [rest.slice(0, at), rest.slice(at + 1)]
  const user = before === undefined ? undefined : decode(before.split(':', 1)[0]!)
  if (before !== undefined && !user) return undefined
  const [address = '', ...params] = after.split('?', 1)[0]!.split(';')
  const host = HOST.exec(address.toLowerCase())
  const port = host?.[3] === undefined ? undefined : Number(host[3])
  if (!host || port === 0 || port! > 65_535) return undefined
  return { secure: scheme[1]!.length === 4, user, host: host[1]!, port, params: parseParams(params) }
}

export function formatUri(uri: { readonly user?: string | undefined; readonly host: string } & Partial<Uri>): string {
  const user = uri.user === undefined ? '' : `${escapeUser(uri.user)}@`
  return `${uri.secure ? 'sips' : 'sip'}:${user}${uri.host}${uri.port ? `:${uri.port}` : ''}${formatParams(uri.params)}`
}

export function parseParams(pieces: readonly string[]): Map<string, string> {
  const params = new Map<string, string>()
  for (const piece of pieces) {
    const equals = piece.indexOf('=')
    const name = (equals === -1 ? piece : piece.slice(0, equals)).trim().toLowerCase()
    if (name !== '' && !params.has(name)) params.set(name, equals === -1 ? '' : unquote(piece.slice(equals + 1).trim()))
  }
  return params
}

export function formatParams(params: ReadonlyMap<string, string> | undefined): string {
  let text = ''
  for (const [name, value] of params ?? []) text += value === '' ? `;${name}` : `;${name}=${value}`
  return text
}

export function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\(.)/gs, '$1')
    : text
}

/** For a header: in quotes, what ends a line or a quotation taken out. */
export function quote(text: string): string {
  return `"${text.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/["\\]/g, '\\$&')}"`
}

export function escapeUser(user: string): string {
  return user.replace(PLAIN_USER, character => encodeURIComponent(HALF.test(character) ? '\ufffd' : character))
}

/** Undefined where the escapes are none, or what they stand for is no text of one line. */
function decode(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text)
    return /[\u0000-\u0020\u007f]/.test(plain) || HALF.test(plain) ? undefined : plain
  } catch {
    return undefined
  }
}
