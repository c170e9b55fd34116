import { Jid, JidError } from '@parley/jid'
import { formatUri, parseUri, type Uri } from './wire/uri.ts'

const MOST = 1000

/**
 * One spelling of an address of the network: `user@host`, lower-case, without scheme, port and parameters (RFC 7247 §6). What has
 * no user, is no address of SIP, or would not come back as it went is none.
 */
export function canonical(id: string): string | undefined {
  const once = reduce(id)
  return once !== undefined && reduce(once) === once ? once : undefined
}

function reduce(id: string): string | undefined {
  if (id.length > MOST) return undefined
  const text = id.trim().replace(/^(?:sips?|pres|im):/i, '')
  // In an address without a scheme the user stands as it is, escapes or not.
  const at = text.lastIndexOf('@')
  const user = text.slice(0, at)
  if (at < 1 || /[\s\u0000-\u001f\u007f<>"]/.test(text)) return undefined
  const uri = parseUri(`sip:${text === id.trim() ? escaped(user) : user}@${text.slice(at + 1)}`)
  if (!uri?.user) return undefined
  const small = uri.user.normalize('NFC').toLowerCase().normalize('NFC')
  return small === '' ? undefined : `${small}@${uri.host.replace(/\.$/, '')}`
}

/** The canonical form of a parsed address. */
export function idOf(uri: Uri | undefined): string | undefined {
  return uri?.user === undefined ? undefined : canonical(`${uri.user}@${uri.host}`)
}

/** The address that a request for somebody there goes to. */
export function targetOf(id: string): Uri {
  const at = id.lastIndexOf('@')
  return { secure: false, user: id.slice(0, at), host: id.slice(at + 1), port: undefined, params: new Map() }
}

function escaped(user: string): string {
  return formatUri({ user, host: 'x' }).slice('sip:'.length, -'@x'.length)
}

/** Who we are there: users of one XMPP domain are addresses of one SIP domain (RFC 7247 §6). */
export class Ours {
  /** Of our users in SIP. */
  readonly domain: string
  readonly #host: string

  constructor(domain: string, host: string) {
    this.domain = domain.toLowerCase() || host
    this.#host = host
  }

  /** `sip:o'brien@example.org` of `o\27brien@example.org`. */
  uri(user: string): string {
    const at = user.lastIndexOf('@')
    return formatUri({ user: unescapeLocal(user.slice(0, at)), host: this.domain })
  }

  has(uri: Uri): boolean {
    return uri.host === this.domain || uri.host === this.#host
  }

  /** The bare JID of somebody here; undefined where it can be nobody. */
  user(name: string | undefined): string | undefined {
    if (!name) return undefined
    try {
      return Jid.of(escapeLocal(name), this.#host).toString()
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  [...` "&'/:<>@\\`].map(character => [character, `\\${character.charCodeAt(0).toString(16)}`]),
)

/** XEP-0106 § 4: a backslash is escaped only where it would be read as an escape. */
export function escapeLocal(text: string): string {
  return text.replace(/[ "&'/:<>@]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/gi, found => ESCAPES.get(found)!)
}

export function unescapeLocal(text: string): string {
  return text.replace(/\\(20|22|26|27|2f|3a|3c|3e|40|5c)/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}
