export type {
  AccountKey,
  AccountState,
  AccountStatus,
  CommandName,
  CommandOf,
  Engine,
  EngineListener,
  IdMap,
  IdPair,
  Provider,
} from './engine.ts'
export { GATEWAY_COMMANDS, gatewayModules } from './module.ts'
export type { Access, Rules } from './xmpp/access.ts'
export type { MakeEngine } from './xmpp/hub.ts'
export { Providers } from './xmpp/providers.ts'
