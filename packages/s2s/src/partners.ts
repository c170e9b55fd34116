import type { Json, OwnedMap, Store } from '@parley/store'
import type { Server } from '@xmpp/server-core'
import type { Demand, Profile } from './profile.ts'

/** What an operator has said of a domain; it holds for the domains below it too, unless they have their own. */
export interface Partner {
  readonly state: 'allowed' | 'blocked'
  readonly tls?: Demand
  readonly sasl?: Demand
  readonly dialback?: Demand
  /** `host:port` where the domain is, whatever DNS says. */
  readonly host?: string
  readonly comment?: string
}

/** What holds for domains of which nothing is said. */
export interface Defaults extends Pick<Profile, 'tls' | 'sasl' | 'dialback' | 'bidi'> {
  /** Whether such a domain may be spoken with at all. */
  readonly discovery: boolean
}

/** What nodes tell each other when a record has changed. */
const TOPIC = 'partners'
/** The records belong to no account. */
const OWNER = 'federation'

/** Records of partner domains, the same on all nodes. */
export class Partners {
  readonly #map: OwnedMap<Partner & { readonly [key: string]: Json | undefined }>
  readonly #defaults: Defaults
  readonly #server: Server
  #records: ReadonlyMap<string, Partner> = new Map()

  private constructor(server: Server, store: Store, defaults: Defaults) {
    this.#server = server
    this.#map = store.maps.map('partners')
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

  /** The record that holds for a domain, and whose it is: its own, or that of the nearest domain above it. */
  record(domain: string): { readonly of: string; readonly partner: Partner } | undefined {
    for (let name = domain; name !== ''; name = name.slice(name.indexOf('.') + 1)) {
      const partner = this.#records.get(name)
      if (partner) return { of: name, partner }
      if (!name.includes('.')) return
    }
    return
  }

  profile(domain: string): Profile {
    const { tls, sasl, dialback, bidi, discovery } = this.#defaults
    const partner = this.record(domain)?.partner
    return {
      blocked: partner ? partner.state === 'blocked' : !discovery,
      tls: partner?.tls ?? tls,
      sasl: partner?.sasl ?? sasl,
      dialback: partner?.dialback ?? dialback,
      bidi,
      host: partner?.host,
    }
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

  async #changed(): Promise<void> {
    await this.#load()
    this.#server.live.tell(TOPIC, '')
  }

  async #load(): Promise<void> {
    this.#records = await this.#map.all(OWNER)
  }
}

/** Why a combination of demands can never come to a proof; undefined where it can (XG-05). */
export function contradiction({ tls, sasl, dialback }: Pick<Profile, 'tls' | 'sasl' | 'dialback'>): string | undefined {
  if (sasl === 'off' && dialback === 'off') return 'without certificates and dialback nobody can prove anything'
  if (tls === 'off' && dialback === 'off') return 'without TLS there are no certificates, and dialback is off'
  if (tls === 'off' && sasl === 'required') return 'certificates need TLS'
  return undefined
}

/** Why a domain is not spoken with, and what would change that. */
export function blockedBy(domain: string, partners: Partners): string {
  const { of, partner } = partners.record(domain) ?? {}
  if (!partner) return `it has no record, and federation.discovery is off: parley federation allow ${domain}`
  const comment = partner.comment ? ` (${partner.comment})` : ''
  return `it is blocked by the record of ${of}${comment}: parley federation forget ${of}, or allow ${domain}`
}
