import type { Uri } from './uri.ts'

export type Transport = 'udp' | 'tcp' | 'tls'

/** Where a request goes next. */
export interface Hop {
  readonly transport: Transport
  readonly host: string
  readonly port: number
}

const HOP =
  /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9.])?)(?::(\d{1,5}))?(?:;transport=(udp|tcp|tls))?$/

/** `sip.example.net:5061;transport=tls`, as an operator writes it; undefined where it is none. */
export function parseHop(text: string, transport: Transport): Hop | undefined {
  const match = HOP.exec(text.trim().toLowerCase())
  if (!match) return undefined
  const way = (match[4] as Transport | undefined) ?? transport
  const port = Number(match[3] ?? standardPort(way))
  return port > 0 && port < 65_536 ? { transport: way, host: match[1]!, port } : undefined
}

/** RFC 3263 §4 without DNS: where there are no service records, the address says it all. */
export function hopOf(uri: Uri, transport: Transport): Hop {
  const named = uri.params.get('transport')?.toLowerCase()
  const way = uri.secure ? 'tls' : named === 'udp' || named === 'tcp' || named === 'tls' ? named : transport
  return { transport: way, host: uri.params.get('maddr') ?? uri.host, port: uri.port ?? standardPort(way) }
}

export const standardPort = (transport: Transport) => (transport === 'tls' ? 5061 : 5060)

/** Ways that the operator has set: the outbound proxy, and domains that have a way of their own. */
export class Ways {
  readonly #transport: Transport
  readonly #proxy: Hop | undefined
  readonly #routes = new Map<string, Hop>()

  /** @param routes `far.example=sip.far.example:5061;transport=tls, other.example=…` */
  constructor(transport: Transport, proxy: string, routes: string) {
    this.#transport = transport
    this.#proxy = parseHop(proxy, transport)
    for (const route of routes.split(',')) {
      const [domain = '', address = ''] = route.split('=', 1).concat(route.slice(route.indexOf('=') + 1))
      const hop = parseHop(address, transport)
      if (hop) this.#routes.set(domain.trim().toLowerCase(), hop)
    }
  }

  /** Addresses that the operator has named, and which are thereby trusted. */
  get named(): readonly Hop[] {
    return [...(this.#proxy ? [this.#proxy] : []), ...this.#routes.values()]
  }

  get proxy(): Hop | undefined {
    return this.#proxy
  }

  to(target: Uri): Hop {
    return this.#routes.get(target.host) ?? this.#proxy ?? hopOf(target, this.#transport)
  }
}

export const unbracket = (host: string) => (host.startsWith('[') ? host.slice(1, -1) : host)
