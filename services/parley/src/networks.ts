import { resolve } from 'node:path'
import { gatewayModules, type Installed, openEngine } from '@parley/gateway'
import email from '@parley/gateway-email'
import irc from '@parley/gateway-irc'
import loopback from '@parley/gateway-loopback'
import matrix from '@parley/gateway-matrix'
import msnp from '@parley/gateway-msnp'
import oscar from '@parley/gateway-oscar'
import sip from '@parley/gateway-sip'
import telegram from '@parley/gateway-telegram'
import ymsg from '@parley/gateway-ymsg'
import { modules } from '@parley/modules'

/** What speaks with other networks here. */
const ADAPTERS: readonly Installed[] = [email, irc, loopback, matrix, msnp, oscar, sip, telegram, ymsg].map(
  adapter => ({
    adapter,
    module: `@parley/gateway-${adapter.id}`,
  }),
)

/** Modules of this service that have options and commands. */
export const allModules = [
  ...modules,
  ...gatewayModules(({ server, providers, options: { allow, threads, memory } }) =>
    openEngine({
      adapters: ADAPTERS,
      store: server.store,
      live: server.live,
      clock: server.clock,
      log: server.log.with({ part: 'gateways' }),
      domains: [...server.config.domains.keys()],
      providers: () => providers.all,
      hear: (topic, listen) => server.hear(topic, listen),
      data: resolve(server.config.data),
      net: { allow, ...(server.config.federation.dns && { dns: server.config.federation.dns }) },
      ...{ threads, memory },
    }),
  ),
]
