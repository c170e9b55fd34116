// To find another server and to connect to it:
//
//     const resolver = new Resolver({ clock })
//     const rules = new ConnectRules({ allow: ['10.1.0.0/16'] })
//
//     const targets = await resolver.targets('example.org', { signal, observe })
//     const attempts = connectTo(targets, { resolver, rules, clock, signal, observe })
//     let next: Connection | undefined
//     while ((next = await attempts.next())) {
//       const tlsa = await resolver.tlsa(next.target, { signal, observe })
//       // TLS; then checkDane(tlsa, chain, …) when there are records, else certificates, POSH, dialback
//       if (worked) break
//       next.socket.destroy()
//     }

export { FEDERATION_COMMANDS, federationCommands } from './commands.ts'
export {
  type Attempts,
  type ConnectFailure,
  type Connection,
  type ConnectOptions,
  type ConnectTimes,
  connectTo,
} from './connect/connect.ts'
export { type HttpsFetcherOptions, httpsFetcher } from './connect/fetch.ts'
export { ConnectRules, type Refusal } from './connect/rules.ts'
export { DialbackKeys } from './dialback.ts'
export type { AddressStep, Asking, DiscoveryEvent, Observe, SrvStep, TcpStep } from './discovery.ts'
export { checkDane, type DaneVerdict, type PeerChecks } from './dns/dane.ts'
export { DnsError, type DnsFailure } from './dns/errors.ts'
export { type Fetched, type Fetcher, Posh } from './dns/posh.ts'
export { type Fingerprint, matchesPosh } from './dns/posh-document.ts'
export type { Answer, RecordType, SrvRecord, TlsaRecord } from './dns/records.ts'
export { Resolver, type ResolverOptions } from './dns/resolver.ts'
export { SERVER_PORT, type Target, type Targets } from './dns/targets.ts'
export type { Federation } from './federation.ts'
export { openFederation } from './open.ts'
export { serverModules } from './servers.ts'
