import { resolve } from 'node:path'
import { gatewayModules, type Installed, openEngine } from '@parley/gateway'
import { modules } from '@parley/modules'

/** What speaks with other networks here: each is imported when a record names it, since all together are heavy. */
const ADAPTERS: readonly Installed[] = Object.entries({
  email: () => import('@parley/gateway-email'),
  irc: () => import('@parley/gateway-irc'),
  loopback: () => import('@parley/gateway-loopback'),
  matrix: () => import('@parley/gateway-matrix'),
  msnp: () => import('@parley/gateway-msnp'),
  oscar: () => import('@parley/gateway-oscar'),
  sip: () => import('@parley/gateway-sip'),
  telegram: () => import('@parley/gateway-telegram'),
  ymsg: () => import('@parley/gateway-ymsg'),
}).map(([id, read]) => ({ id, module: `@parley/gateway-${id}`, load: async () => (await read()).default }))

/** Modules of this service that have options and commands. */
export const allModules = [
  ...modules,
  ...gatewayModules(({ server, providers, options: { allow, processes, memory } }) =>
    openEngine({
      adapters: ADAPTERS,
      store: server.store,
      live: server.live,
      clock: server.clock,
      log: server.log.with({ part: 'gateways' }),
      domains: [...server.config.domains.keys()],
      roles: server.config.roles,
      providers: () => providers.all,
      hear: (topic, listen) => server.hear(topic, listen),
      data: resolve(server.config.data),
      key: server.config.gateway.key,
      net: { allow, ...(server.config.federation.dns && { dns: server.config.federation.dns }) },
      ...{ processes, memory },
    }),
  ),
]
