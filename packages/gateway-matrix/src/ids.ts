const USER = /^@[a-z0-9._=/+-]{1,200}$/
/** What an alias may be made of here; those with capitals are other ones to Matrix, and none is used. */
const ALIAS = /^#[!-9;-@[-`a-z{-~]{1,200}$/
const SERVER = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::\d{1,5})?$/

/** The one spelling of a user (`@juliet:verona.test`) or a room (`#verona:verona.test`), in small letters. */
export function canonical(id: string): string | undefined {
  if (id.length > 255) return undefined
  const small = id.replace(/[A-Z]/g, sign => sign.toLowerCase())
  const colon = small.indexOf(':')
  const name = small.slice(0, colon)
  return colon > 0 && (USER.test(name) || ALIAS.test(name)) && SERVER.test(small.slice(colon + 1)) ? small : undefined
}

export function isRoom(id: string): boolean {
  return id.startsWith('#')
}

/** Users here as they are called there: bytes that may not be in a name are `=` and two digits, and so is `=`. */
export class Ghosts {
  readonly #prefix: string
  readonly #server: string
  readonly #domain: string

  /** @param domain of the users here: others have no names there */
  constructor(prefix: string, server: string, domain: string) {
    this.#prefix = prefix
    this.#server = server
    this.#domain = domain
  }

  /** The name without `@` and server. */
  localOf(user: string): string {
    const node = user.slice(0, user.lastIndexOf('@'))
    const written = [...Buffer.from(node)].map(byte => {
      const sign = String.fromCharCode(byte)
      return /[a-z0-9._-]/.test(sign) ? sign : `=${byte.toString(16).padStart(2, '0')}`
    })
    return this.#prefix + written.join('')
  }

  idOf(user: string): string {
    return `@${this.localOf(user)}:${this.#server}`
  }

  /** The bare JID of a ghost; undefined: it is none of ours. */
  userOf(id: string): string | undefined {
    const head = `@${this.#prefix}`
    const tail = `:${this.#server}`
    if (!id.startsWith(head) || !id.endsWith(tail)) return undefined
    const local = id.slice(head.length, -tail.length)
    if (!/^(?:[a-z0-9._-]|=[0-9a-f]{2})+$/.test(local)) return undefined
    const raw = local.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    const user = `${Buffer.from(raw, 'latin1').toString('utf8')}@${this.#domain}`
    return this.idOf(user) === id ? user : undefined
  }
}
