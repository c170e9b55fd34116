import { ConnectRules, type Fetcher, httpsFetcher, Posh, Resolver } from '@parley/net'
import type { Certificates } from '@parley/wire'
import type { Server } from '@xmpp/server-core'
import { Blocklists } from './blocklists.ts'
import { Federation } from './federation.ts'
import { Partners } from './partners.ts'
import { Vouchers } from './vouchers.ts'

/**
 * The federation that the configuration asks for; undefined where it is off.
 *
 * @param fetch gets documents of other domains (RFC 7711) instead of the one that goes to their web servers
 */
export async function openFederation(
  server: Server,
  certificates: Certificates,
  { fetch }: { readonly fetch?: Fetcher } = {},
): Promise<Federation | undefined> {
  const { enabled, dns, allow, limits, ...defaults } = server.config.federation
  if (!enabled) return undefined
  const partners = await Partners.open(server, { ...defaults, streams: limits.streams })
  const { clock } = server
  const resolver = new Resolver({ clock, ...(dns && { servers: dns }) })
  const rules = new ConnectRules({ allow })
  const posh = new Posh({
    clock,
    fetch: fetch ?? httpsFetcher({ resolver, rules, clock, ca: certificates.authorities }),
  })
  const federation = new Federation({
    ...{ server, certificates, resolver, rules },
    vouchers: new Vouchers({ resolver, posh, clock }),
    secret: await server.store.secrets.secret('dialback'),
    partners,
    blocklists: await Blocklists.open(server),
  })
  await federation.begin()
  return federation
}
