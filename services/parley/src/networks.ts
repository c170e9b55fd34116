import { resolve } from 'node:path'
import { gatewayModules, type Installed, openEngine } from '@parley/gateway'
import loopback from '@parley/gateway-loopback'
import { modules } from '@parley/modules'

/** What speaks with other networks here. */
const ADAPTERS: readonly Installed[] = [{ adapter: loopback, module: '@parley/gateway-loopback' }]

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
