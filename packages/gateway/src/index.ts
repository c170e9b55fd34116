export { type EngineParts, type Installed, openEngine } from './engine/open.ts'
export type { NetPolicy } from './engine/run/net.ts'
export { clean, cleanLine } from './engine/text/clean.ts'
export { cutText, splitText } from './engine/text/split.ts'
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
  Sending,
} from './engine.ts'
export { GATEWAY_COMMANDS, gatewayModules } from './gateways.ts'
export type { Access, Rules } from './xmpp/access.ts'
export { Addresses } from './xmpp/addresses.ts'
export type { EngineOptions, MakeEngine } from './xmpp/hub.ts'
export { Providers } from './xmpp/providers.ts'
