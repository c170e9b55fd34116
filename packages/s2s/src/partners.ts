import type { Json, OwnedMap, Store } from '@parley/store'
import type { Server, Strangers } from '@xmpp/server-core'
import type { PartnerType, Profile, Proofs } from './profile.ts'
import { contradiction } from './proofs.ts'

/** What an operator has said of a domain; it holds for the domains below it too, unless they have their own. */
export interface Partner extends Partial<Proofs & Pick<Profile, 'type' | 'strangers' | 'direction' | 'streams'>> {
  readonly state: 'allowed' | 'blocked'
  /** Other domains that are the same partner (googlemail.com beside gmail.com), and those below them. */
  readonly aliases?: readonly string[]
  /** `host:port` where the domain is, whatever DNS says. */
  readonly host?: string
  readonly monitor?: boolean
  readonly comment?: string
}

/** What holds for domains of which nothing is said. */
export interface Defaults extends Proofs, Pick<Profile, 'streams' | 'bidi'> {
  /** Whether such a domain may be spoken with at all. */
  readonly discovery: boolean
  readonly type: PartnerType
  readonly strangers: Strangers
}

/** What nodes tell each other when a record has changed. */
const TOPIC = 'partners'
/** The records belong to no account. */
const OWNER = 'federation'
const NAME = 256
const ALIASES = 100

type Stored = Partner & { readonly [key: string]: Json | undefined }

/** The records as they are in the store, for whoever has no federation. */
export function partnerRecords(store: Store): Promise<ReadonlyMap<string, Partner>> {
  return mapOf(store).all(OWNER)
}

function mapOf(store: Store): OwnedMap<Stored> {
  return store.maps.map('partners')
}

/** Records of partner domains, the same on all nodes. */
export class Partners {
  readonly #map: OwnedMap<Stored>
  readonly #defaults: Defaults
  readonly #server: Server
  #records: ReadonlyMap<string, Partner> = new Map()
  /** Alias → the domain whose record names it. */
  #aliases: ReadonlyMap<string, string> = new Map()
  #profiles = new Map<string, Profile>()
  #loads = 0
  /** Told when records are other ones than before, whichever node has changed them. */
  changed: () => void = () => {}

  private constructor(server: Server, store: Store, defaults: Defaults) {
    this.#server = server
    this.#map = mapOf(store)
    this.#defaults = defaults
  }

  static async open(server: Server, defaults: Defaults): Promise<Partners> {
    const partners = new Partners(server, server.store, defaults)
    await partners.#load()
    server.hear(TOPIC, () => {
      partners.#load().catch((error: unknown) => server.log.error('partner domains could not be read', { error }))
    })
    return partners
  }

  get records(): ReadonlyMap<string, Partner> {
    return this.#records
  }

  /** The record that holds for a domain, and whose it is: its own, or that of the nearest domain above it, by any of its names. */
  record(domain: string): { readonly of: string; readonly partner: Partner } | undefined {
    for (let name = domain; name !== ''; name = name.slice(name.indexOf('.') + 1)) {
      const of = this.#records.has(name) ? name : this.#aliases.get(name)
      const partner = of === undefined ? undefined : this.#records.get(of)
      if (of !== undefined && partner) return { of, partner }
      if (!name.includes('.')) return
    }
    return
  }

  /** What holds for a domain. Read for each stanza, so what was worked out is kept until a record changes. */
  profile(domain: string): Profile {
    const known = this.#profiles.get(domain)
    if (known) return known
    if (this.#profiles.size >= PROFILES) this.#profiles.clear()
    const profile = this.#profile(domain)
    this.#profiles.set(domain, profile)
    return profile
  }

  /** What is wrong with a record; undefined where it may be set. */
  problem(domain: string, partner: Partner): string | undefined {
    const { aliases = [] } = partner
    if ([domain, ...aliases].some(({ length }) => length > NAME)) return `a domain has at most ${NAME} characters`
    if (aliases.length > ALIASES) return `a partner has at most ${ALIASES} other names`
    if (aliases.includes(domain)) return `${domain} is no other name of itself`
    const owner = this.#aliases.get(domain)
    if (owner !== undefined) return `${domain} is another name of ${owner}: change or remove that record first`
    for (const alias of aliases) {
      if (this.#records.has(alias)) return `${alias} has a record of its own: remove it first`
      const other = this.#aliases.get(alias)
      if (other !== undefined && other !== domain) return `${alias} is another name of ${other}`
    }
    return contradiction(this.#filled(partner))
  }

  async set(domain: string, partner: Partner): Promise<void> {
    await this.#map.set(OWNER, domain, { ...partner })
    await this.#changed()
  }

  /** False: there is none. */
  async remove(domain: string): Promise<boolean> {
    const was = await this.#map.delete(OWNER, domain)
    await this.#changed()
    return was
  }

  #profile(domain: string): Profile {
    const { of, partner } = this.record(domain) ?? {}
    const state = partner?.state ?? 'discovered'
    const { type = this.#defaults.type, strangers = this.#defaults.strangers } = partner ?? {}
    return {
      ...this.#filled(partner),
      state,
      blocked: state === 'blocked' || (state === 'discovered' && !this.#defaults.discovery),
      type,
      strangers: type === 'public-unverified' ? 'refused' : strangers,
      direction: partner?.direction ?? 'both',
      host: partner?.host,
      bidi: this.#defaults.bidi,
      streams: partner?.streams ?? this.#defaults.streams,
      monitor: partner?.monitor ?? false,
      partner: of ?? domain,
    }
  }

  #filled({ tls, sasl, dialback }: Partial<Proofs> = {}): Proofs {
    const defaults = this.#defaults
    return { tls: tls ?? defaults.tls, sasl: sasl ?? defaults.sasl, dialback: dialback ?? defaults.dialback }
  }

  async #changed(): Promise<void> {
    await this.#load()
    this.#server.live.tell(TOPIC, '')
  }

  async #load(): Promise<void> {
    const turn = ++this.#loads
    const records = await this.#map.all(OWNER)
    // Whoever began to read later has seen more.
    if (turn !== this.#loads) return
    this.#records = records
    this.#aliases = new Map([...records].flatMap(([domain, { aliases = [] }]) => aliases.map(alias => [alias, domain])))
    this.#profiles = new Map()
    this.changed()
  }
}

/** Profiles that are kept; where more are asked for they are worked out again. */
const PROFILES = 10_000

/** Why nothing goes to a domain, and what would change that. */
export function blockedBy(domain: string, partners: Partners): string {
  const { of, partner } = partners.record(domain) ?? {}
  if (!partner) return `it has no record, and federation.discovery is off: parley federation allow ${domain}`
  const comment = partner.comment ? ` (${partner.comment})` : ''
  if (partner.state === 'allowed')
    return `by the record of ${of}${comment} stanzas only come from there: direction is in`
  return `it is blocked by the record of ${of}${comment}: parley federation forget ${of}, or allow ${domain}`
}
