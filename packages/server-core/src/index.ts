export { type Clock, isNetwork, Networks, plainAddress, systemClock } from '@parley/net'
export { type AccountEvents, Accounts } from './accounts.ts'
export { type Awaitable, chain, isPromise } from './awaitable.ts'
export {
  type Command,
  CommandError,
  type CommandResult,
  type CommandRow,
  type CommandSpec,
  type CommandValues,
  type Parameter,
  type RunCommand,
  readValues,
} from './commands.ts'
export { type ConfigKey, configKeys } from './config/keys.ts'
export { ConfigError, type ConfigSource, loadConfig } from './config/load.ts'
export { type Config, type ConfigFile, configSchema, type DomainConfig, resolveDomains } from './config/schema.ts'
export { type ControlOptions, callControl, openControl } from './control.ts'
export { Counters, type Figures, type Logins, StanzaCounts } from './counters.ts'
export {
  type AccountEvent,
  type Acquaintance,
  accountCreated,
  accountRemoved,
  accountSecured,
  acquaintance,
  becameAvailable,
  becomingAvailable,
  bound2,
  type Inbound,
  type Inline,
  inbound,
  type Leaving,
  leaving,
  type MissedInRoom,
  maybeMissed,
  missedInRoom,
  type Outbound,
  outbound,
  reported,
  sessionEnded,
  sessionOpened,
  sessionResumed,
  strayed,
} from './events.ts'
export {
  decide,
  defineHook,
  HANDLED,
  type Hook,
  type Listener,
  observe,
  on,
  only,
  type Phase,
  type Verdict,
} from './hooks.ts'
export { Host, type HostParts } from './host.ts'
export { loadOrder } from './loader.ts'
export { createLogger, type LogFields, type Logger, type LogLevel, type LogSink, silentLogger } from './log.ts'
export {
  type AnyModule,
  type Asked,
  type Context,
  defineModule,
  type Identity,
  type IqRoute,
  iqGet,
  iqSet,
  type Module,
  map,
  type Need,
  type Needs,
  type Parts,
  type Request,
  type Target,
  type Uses,
  type Xep,
} from './module.ts'
export {
  choice,
  flag,
  integer,
  type Option,
  type Options,
  type OptionValues,
  parsePeriod,
  period,
  readOptions,
  text,
  texts,
} from './options.ts'
export { midOf, packetOf, urgencyOf } from './packet.ts'
export { aboutRoles, fittest, NobodyError, opens, placeAmong, ROLES, type Role } from './roles.ts'
export { Rounds } from './rounds.ts'
export { type Link, type Remote, Router, type Strangers } from './router.ts'
export { Server, type ServerParts } from './server.ts'
export { type Receive, Service } from './service.ts'
export { type Acknowledging, Session } from './session.ts'
export { type StreamCondition, streamErrorXml } from './stream/errors.ts'
export { FEATURE_ORDER, type FeatureOrder, type StreamFeature } from './stream/feature.ts'
export { Inlet } from './stream/inlet.ts'
export { ClientStream } from './stream/stream.ts'
export type { OurHeader, PeerHeader, ShownCertificates, TlsInfo, Wire, WireEvents } from './stream/wire.ts'
export { networkOf, Throttle } from './throttle.ts'
export { type Origin, Transit } from './transit.ts'
