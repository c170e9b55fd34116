export type { Account, AccountStore, LastActivity, StoredKeys } from './accounts.ts'
export { StoreError, type StoreErrorCode } from './errors.ts'
export type { GatewayAccount, GatewayId, GatewayLetter, GatewayStore } from './gateways.ts'
export type { Group, GroupStore } from './groups.ts'
export { ArchiveIds, firstIdAt, idFromText, idText, idTime } from './ids.ts'
export type { Json, MapStore, OwnedMap } from './maps.ts'
export type {
  Inbound,
  LogEntry,
  LogFilter,
  LogPage,
  LogRow,
  MessageLog,
  MessageType,
  OutboxRow,
} from './messages.ts'
export { openStore } from './open.ts'
export { sentAs } from './origins.ts'
export { domainsOfWay, hostOf, type Owner, wayOwner } from './owner.ts'
export type {
  Affiliation,
  PubsubChange,
  PubsubCreator,
  PubsubItem,
  PubsubNode,
  PubsubOptions,
  PubsubPage,
  PubsubRequest,
  PubsubSeen,
  PubsubStore,
  PubsubSubscription,
} from './pubsub.ts'
export type { Roster, RosterChanges, RosterItem, RosterStore, Subscription } from './rosters.ts'
export { type ScratchCluster, type ScratchDatabase, scratchDatabase, startScratchCluster } from './scratch.ts'
export type { SecretStore } from './secrets.ts'
export type { Distribution, StoreStats } from './stats.ts'
export type { Log, Store, StoreOptions } from './store.ts'
export type { FastToken, FastTokens, Invite, Invites, StoredInvite, TokenStore } from './tokens.ts'
export type { ArchiveWords, Span, SpanPage } from './words.ts'
