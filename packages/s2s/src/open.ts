import type { Certificates } from '@parley/wire'
import type { Server } from '@xmpp/server-core'
import { Blocklists } from './blocklists.ts'
import { ConnectRules } from './connect/rules.ts'
import { Resolver } from './dns/resolver.ts'
import { Federation } from './federation.ts'
import { Partners } from './partners.ts'

/** The federation that the configuration asks for; undefined where it is off. */
export async function openFederation(server: Server, certificates: Certificates): Promise<Federation | undefined> {
  const { enabled, dns, allow, limits, ...defaults } = server.config.federation
  if (!enabled) return undefined
  const partners = await Partners.open(server, { ...defaults, streams: limits.streams })
  const federation = new Federation({
    server,
    certificates,
    resolver: new Resolver({ clock: server.clock, ...(dns && { servers: dns }) }),
    rules: new ConnectRules({ allow }),
    secret: await server.store.secrets.secret('dialback'),
    partners,
    blocklists: await Blocklists.open(server),
  })
  await federation.begin()
  return federation
}
