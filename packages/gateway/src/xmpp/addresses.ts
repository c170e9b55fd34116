import { Jid, JidError } from '@parley/jid'
import { escapeLocal, unescapeLocal } from './escaping.ts'

/** Begins a local part that holds the bytes of an id as digits, since the id itself would not stay what it is there. */
const DIGITS = '='
const HEX = /^(?:[0-9a-f]{2})+$/

/**
 * Addresses of a network as addresses here, and back: each id has one address and each address one id (threat 154).
 * Most are escaped as XEP-0106 says. An id that an address would change (capital letters that count, signs that no local
 * part may have) is written in digits.
 */
export class Addresses {
  readonly domain: string
  readonly #canonical: (id: string) => string | undefined

  /** @param canonical the one spelling of an id, by the adapter */
  constructor(domain: string, canonical: (id: string) => string | undefined) {
    this.domain = domain
    this.#canonical = canonical
  }

  /** The address of whom somebody has typed; undefined where the network has no such address. */
  typed(text: string): Jid | undefined {
    const id = this.#canonical(text)
    return id === undefined ? undefined : this.of(id)
  }

  /** The address of a canonical id; undefined where it is too long for one. */
  of(id: string): Jid | undefined {
    return this.#plain(id) ?? this.#digits(id)
  }

  /** The canonical id that an address stands for; undefined where it is none, or not the one address of its id. */
  idOf({ local }: Jid): string | undefined {
    const id = local.startsWith(DIGITS) ? fromDigits(local.slice(DIGITS.length)) : unescapeLocal(local)
    if (id === undefined || this.#canonical(id) !== id) return undefined
    return this.of(id)?.local === local ? id : undefined
  }

  #plain(id: string): Jid | undefined {
    if (id === '' || id.startsWith(' ') || id.endsWith(' ') || id.startsWith(DIGITS)) return undefined
    const local = escapeLocal(id)
    const jid = this.#address(local)
    return jid?.local === local ? jid : undefined
  }

  #digits(id: string): Jid | undefined {
    return id === '' ? undefined : this.#address(DIGITS + Buffer.from(id, 'utf8').toString('hex'))
  }

  #address(local: string): Jid | undefined {
    try {
      return Jid.of(local, this.domain)
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }
}

function fromDigits(digits: string): string | undefined {
  if (!HEX.test(digits)) return undefined
  return Buffer.from(digits, 'hex').toString('utf8')
}
