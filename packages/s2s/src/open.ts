import type { Certificates } from '@parley/wire'
import type { Command, Server } from '@xmpp/server-core'
import { federationCommands } from './commands.ts'
import { ConnectRules } from './connect/rules.ts'
import { Resolver } from './dns/resolver.ts'
import { Federation } from './federation.ts'
import { Partners } from './partners.ts'

/** The federation that the configuration asks for; undefined where it is off. */
export async function openFederation(server: Server, certificates: Certificates): Promise<(Federation & { readonly commands: readonly Command[] }) | undefined> {
  const { enabled, discovery, tls, sasl, dialback, dns, allow } = server.config.federation
  if (!enabled) return undefined
  const partners = await Partners.open(server, { discovery, tls, sasl, dialback })
  const federation = new Federation({
    server,
    certificates,
    resolver: new Resolver({ clock: server.clock, ...(dns && { servers: dns }) }),
    rules: new ConnectRules({ allow }),
    secret: await server.store.secrets.secret('dialback'),
    profile: domain => partners.profile(domain),
  })
  return Object.assign(federation, { commands: federationCommands(federation, partners) })
}
