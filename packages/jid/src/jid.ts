import { GenerationCache } from './cache.ts'
import { prepareDomain } from './domain.ts'
import { JidError, MAX_PART } from './errors.ts'
import { prepareLocal, prepareResource } from './prepare.ts'

const CACHE_SIZE = 16_384
/** Longer texts are prepared each time, so that a flood of the longest addresses cannot fill the memory. */
const CACHED_LENGTH = 256
const cache = new GenerationCache<Jid>(CACHE_SIZE)

/**
 * An address, in canonical form (RFC 7622): two addresses are the same when their `text` is. Missing parts are ''.
 * Immutable.
 */
export class Jid {
  readonly local: string
  readonly domain: string
  readonly resource: string
  readonly text: string
  #bare: Jid | undefined

  /** Parts must be prepared: {@link Jid.parse} and {@link Jid.of} are the ways in. */
  private constructor(local: string, domain: string, resource: string, text: string) {
    this.local = local
    this.domain = domain
    this.resource = resource
    this.text = text
  }

  /** @throws JidError where the text is no address */
  static parse(text: string): Jid {
    return cache.get(text) ?? parseAnew(text)
  }

  /** As {@link Jid.parse}; undefined where the text is no address. */
  static tryParse(text: string): Jid | undefined {
    try {
      return Jid.parse(text)
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }

  /** @throws JidError where a part is not allowed; '' stands for no local part and for no resource */
  static of(local: string, domain: string, resource = ''): Jid {
    return Jid.#make(
      local === '' ? '' : prepareLocal(local),
      prepareDomain(domain),
      resource === '' ? '' : prepareResource(resource),
    )
  }

  /** The address without its resource: itself where it has none. */
  get bare(): Jid {
    if (this.resource === '') return this
    this.#bare ??= Jid.#make(this.local, this.domain, '')
    return this.#bare
  }

  get isBare(): boolean {
    return this.resource === ''
  }

  /** This account or host with that resource; '' gives the bare address. */
  withResource(resource: string): Jid {
    if (resource === this.resource) return this
    if (resource === '') return this.bare
    const full = Jid.#make(this.local, this.domain, prepareResource(resource))
    full.#bare = this.bare
    return full
  }

  equals(other: Jid): boolean {
    return this.text === other.text
  }

  /** XEP-0191 §3: what a rule about this address may name, the most specific first. */
  widening(): readonly Jid[] {
    const wider: Jid[] = [this]
    if (this.local !== '') {
      if (this.resource !== '') wider.push(this.bare, Jid.#make('', this.domain, this.resource))
      wider.push(Jid.#make('', this.domain, ''))
    } else if (this.resource !== '') {
      wider.push(this.bare)
    }
    return wider
  }

  toString(): string {
    return this.text
  }

  toJSON(): string {
    return this.text
  }

  static #make(local: string, domain: string, resource: string): Jid {
    let text = local === '' ? domain : `${local}@${domain}`
    if (resource !== '') text += `/${resource}`
    return new Jid(local, domain, resource, text)
  }
}

function parseAnew(input: string): Jid {
  if (input === '') throw new JidError('address', 'is empty')
  if (input.length > 3 * MAX_PART + 2) throw new JidError('address', 'is too long')
  // A copy: a slice of a network buffer's text would keep all of that text for as long as the address lives.
  const text = Buffer.from(input, 'utf16le').toString('utf16le')
  const jid = parseParts(text)
  if (text.length <= CACHED_LENGTH) cache.set(text, jid)
  return jid
}

/** RFC 7622 §3.1: the first `/` begins the resource, the first `@` before it ends the local part. */
function parseParts(text: string): Jid {
  const slash = text.indexOf('/')
  const account = slash < 0 ? text : text.slice(0, slash)
  if (slash === text.length - 1) throw new JidError('resource', 'is empty')
  const at = account.indexOf('@')
  if (at === 0) throw new JidError('local part', 'is empty')
  const local = at < 0 ? '' : account.slice(0, at)
  return Jid.of(local, account.slice(at + 1), slash < 0 ? '' : text.slice(slash + 1))
}
