// Streams with other servers. What a server needs of them is `openFederation`; the rest is for the command line.

export { FEDERATION_COMMANDS, federationCommands } from './commands.ts'
export { DialbackKeys } from './dialback.ts'
export type { Federation } from './federation.ts'
export { openFederation } from './open.ts'
export { type Partner, partnerRecords } from './partners.ts'
export { serverModules } from './servers.ts'
