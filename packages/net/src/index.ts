// Time, networks, and the way to other hosts: what they are called (DNS), what vouches for them there (DANE, POSH), and connections by the
// operator's rules. Streams and foreign protocols begin where this ends.

export { until } from './abort.ts'
export { type Clock, systemClock } from './clock.ts'
export { NO_ADDRESSES } from './connect/attempt.ts'
export { type ConnectFailure, type Connection, connectTo } from './connect/connect.ts'
export { httpsFetcher } from './connect/fetch.ts'
export { ConnectRules } from './connect/rules.ts'
export type { Asking, DiscoveryEvent } from './discovery.ts'
export { checkDane, type DaneVerdict } from './dns/dane.ts'
export { DnsError } from './dns/errors.ts'
export { type Fetcher, Posh } from './dns/posh.ts'
export { matchesPosh } from './dns/posh-document.ts'
export type { TlsaRecord } from './dns/records.ts'
export { Resolver } from './dns/resolver.ts'
export type { Target, Targets } from './dns/targets.ts'
export { isNetwork, Networks, plainAddress } from './networks.ts'
