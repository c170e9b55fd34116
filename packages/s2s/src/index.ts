// Streams with other servers. What a server needs of them is `openFederation`; the rest is for the command line, and for whoever
// finds and asks other servers without a stream: gateways connect by the same rules.

export { FEDERATION_COMMANDS, federationCommands } from './commands.ts'
export { connectTo } from './connect/connect.ts'
export { httpsFetcher } from './connect/fetch.ts'
export { ConnectRules } from './connect/rules.ts'
export { DialbackKeys } from './dialback.ts'
export type { Fetcher } from './dns/posh.ts'
export { Resolver } from './dns/resolver.ts'
export type { Federation } from './federation.ts'
export { openFederation } from './open.ts'
export { type Partner, partnerRecords } from './partners.ts'
export { serverModules } from './servers.ts'
