export type { Installed } from './engine/adapters.ts'
export type { Ears, Host, Hosted } from './engine/host.ts'
export { localHost } from './engine/local-host.ts'
export { type EngineParts, openEngine } from './engine/open.ts'
export type { Ask, SessionInit } from './engine/run/context.ts'
export { Net, type NetPolicy } from './engine/run/net.ts'
export { inCharset } from './engine/text/charset.ts'
export { clean, cleanLine } from './engine/text/clean.ts'
export { argumentsOf, piecesOf } from './engine/text/outgoing.ts'
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
