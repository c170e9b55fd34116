import { Jid } from '@parley/jid'
import { isNetwork } from '@parley/net'
import { z } from 'zod'
import { parsePeriod } from '../options.ts'
import { ROLES } from '../roles.ts'

/** `:5222`, `127.0.0.1:5222` or `[::1]:5222`; without a host both IPv4 and IPv6 are listened on. */
const address = z
  .string()
  .regex(
    /^(\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{0,253}):\d{1,5}$/,
    'must be [host]:port, such as ":5222" or "127.0.0.1:5280"',
  )
  .refine(text => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'the port must be at most 65535')

const domainName = z.string().transform((text, context) => {
  try {
    const jid = Jid.parse(text)
    if (jid.local === '' && jid.isBare) return jid.domain
  } catch {
    // said below, in words an operator knows
  }
  context.addIssue({ code: 'custom', message: 'must be a domain name' })
  return z.NEVER
})

const jid = z.string().transform((text, context) => {
  try {
    const parsed = Jid.parse(text)
    if (parsed.local !== '' && parsed.isBare) return parsed.text
  } catch {
    // said below
  }
  context.addIssue({ code: 'custom', message: 'must be an address such as admin@example.org' })
  return z.NEVER
})

const period = z.string().transform((text, context) => {
  const ms = parsePeriod(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: 'must be a time such as 30s, 15m, 24h or 365d' })
  return z.NEVER
})

const networks = z.array(
  z.string().refine(isNetwork, 'must be an address or a network, such as 192.0.2.1 or 2001:db8::/32'),
)

const registration = z.enum(['closed', 'invite', 'open'])
const demand = z.enum(['required', 'optional', 'off'])
const onOff = z.union([z.boolean(), z.enum(['on', 'off']).transform(text => text === 'on')])
const archiveDefault = z.enum(['always', 'roster', 'never'])
const count = z.number().int().min(0).max(1_000_000)

const certificate = z.strictObject({
  cert: z.string().describe('PEM file: the certificate and its chain'),
  key: z.string().describe('PEM file: the private key'),
})

/** What one hosted domain may have otherwise than the rest. */
const domainSettings = z.strictObject({
  certificate: certificate.optional().describe('absent: found in data/certificates, else self-signed'),
  registration: registration.optional(),
  anonymous: z.boolean().optional(),
  archive: onOff.optional(),
  archiveDefault: archiveDefault.optional(),
  retention: period.optional(),
  admins: z.array(jid).optional(),
  contact: z.record(z.string(), z.array(z.string())).optional(),
})

const domains = z
  .union([z.array(domainName).min(1), z.record(domainName, domainSettings.nullable())])
  .describe('hosted domains: a list, or a mapping from each domain to its own settings')

export const configSchema = z.strictObject({
  domains: domains.prefault(['localhost']),
  data: z.string().default('./data').describe('embedded database, keys, self-signed certificates, the CLI socket'),
  database: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be postgres://user:password@host:port/name')
    .optional()
    .describe('absent: the embedded engine under data'),
  redis: z
    .string()
    .regex(/^(rediss?|unix):\/\//, 'must be redis://host:port, rediss://host:port or unix:///path')
    .optional()
    .describe('live state shared by several processes; several addresses with commas: a cluster; absent: in memory'),
  listen: z
    .strictObject({
      client: address.optional().describe('clients, STARTTLS'),
      clientTls: address.optional().describe('clients, direct TLS (XEP-0368)'),
      server: address.optional().describe('other servers, STARTTLS'),
      serverTls: address.optional().describe('other servers, direct TLS (XEP-0368)'),
      component: address.optional().describe('components (XEP-0114); plain, so loopback'),
      http: address.optional().describe('plain HTTP: loopback, or behind a proxy'),
      https: address.optional().describe('HTTPS: WebSocket, host-meta'),
    })
    .default({
      client: ':5222',
      clientTls: ':5223',
      server: ':5269',
      serverTls: ':5270',
      http: '127.0.0.1:5280',
      https: ':5281',
    })
    .describe('if given, only the named listeners open; IPv4 and IPv6'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('what links and host-meta say'),
  control: z.string().optional().describe('the socket of the command line; absent: parley.sock under data'),
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...ROLES])
    .describe('what this process does; absent: everything; less than that needs redis and database'),
  workers: z.number().int().min(1).max(256).default(1).describe('processes on this machine; more than 1 needs redis'),
  trustedProxies: networks
    .default([])
    .describe('addresses and networks of proxies: from them, and from nobody else, PROXY protocol and X-Forwarded-For'),
  tls: z
    .strictObject({
      client: z
        .enum(['required', 'optional'])
        .default('required')
        .describe('optional allows plain text: test and benchmark machines only'),
      minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
      clientCa: z.string().optional().describe('PEM file: who may issue client certificates (SASL EXTERNAL)'),
      serverCa: z
        .string()
        .optional()
        .describe('PEM file: who may vouch for other servers, besides the authorities that Node trusts'),
    })
    .default({ client: 'required', minVersion: 'TLSv1.2' }),
  federation: z
    .strictObject({
      enabled: onOff.prefault('on').describe('whether users here talk with those of other domains at all'),
      discovery: onOff.prefault('on').describe('whether domains without a record of their own are spoken with'),
      tls: demand.default('required').describe('encryption of streams with other servers'),
      sasl: demand
        .default('optional')
        .describe('proof by certificate; required: a certificate must be valid for the domain'),
      dialback: demand.default('optional').describe('proof by asking the domain itself (XEP-0220)'),
      bidi: onOff.prefault('on').describe('one stream for both directions, with servers that want it too (XEP-0288)'),
      type: z
        .enum(['federated', 'public-verified', 'public-unverified'])
        .default('federated')
        .describe(
          'what people of a domain without a record may see and do; public: no notes; unverified: contacts only',
        ),
      strangers: z
        .enum(['welcome', 'ask', 'refused'])
        .default('welcome')
        .describe('who is no contact may write, may only ask to become one, or is refused'),
      limits: z
        .strictObject({
          discovered: count.default(20).describe('stanzas of a domain without a record, a second; 0: no limit'),
          allowed: count.default(200).describe('stanzas of an allowed domain, a second; 0: no limit'),
          burst: count.default(30).describe('seconds of that rate that may come at once'),
          contacts: count
            .default(1000)
            .describe('strangers here whom a domain without a record may address in a day; 0: no limit'),
          streams: z.number().int().min(1).max(10_000).default(20).describe('streams of one domain to one process'),
        })
        .prefault({})
        .describe('per domain and process'),
      blocklists: z
        .array(
          z.string().regex(/^[^\s/@]{1,256}\/\S{1,256}$/, 'must be service/node, such as xmppbl.org/muc_bans_sha256'),
        )
        .default([])
        .describe('real-time block lists: publish-subscribe nodes that name people and domains by SHA-256'),
      dns: z
        .array(
          z
            .string()
            .regex(/^(\[[0-9a-fA-F:.]{2,45}\]|[\d.]{7,15})(:\d{1,5})?$/, 'must be an address, such as 192.0.2.53'),
        )
        .optional()
        .describe('DNS servers; absent: those of the system'),
      allow: networks
        .default([])
        .describe('private networks in which other servers may be; all public addresses always may'),
      patience: period
        .prefault('2m')
        .describe('how long messages wait for a domain that cannot be reached before they go back; 0s: not at all'),
    })
    .prefault({})
    .describe('other XMPP domains; each may have a profile of its own: parley federation'),
  gateway: z
    .strictObject({
      key: z
        .string()
        .regex(
          /^\s*(?:[\w-]{1,32} [A-Za-z0-9+/]{43}=\s*(?:[\n,]\s*|$))+$/,
          'must be lines of an id and 32 bytes in base64, as gateway.key has them; commas may stand for line ends',
        )
        .optional()
        .describe(
          'the master keys of logins at other networks; absent: gateway.key under data, made when it is needed',
        ),
    })
    .prefault({})
    .describe('other networks'),
  auth: z
    .strictObject({
      mechanisms: z
        .array(z.string())
        .optional()
        .describe('SASL mechanisms that may be offered; absent: all that are safe'),
      iterations: z.number().int().min(4096).max(1_000_000).default(10_000).describe('PBKDF2 rounds of new SCRAM keys'),
      downgradeProtection: z.boolean().default(true).describe('XEP-0474'),
    })
    .default({ iterations: 10_000, downgradeProtection: true }),
  registration: registration.default('closed'),
  anonymous: z.boolean().default(false).describe('SASL ANONYMOUS: temporary accounts'),
  admins: z.array(jid).default([]),
  archive: onOff.prefault('on').describe('the message archive'),
  archiveDefault: archiveDefault
    .default('always')
    .describe('what the archive of an account without preferences (XEP-0441) keeps; roster: what contacts say'),
  retention: period.optional().describe('how long archives of accounts and rooms keep messages; absent: for ever'),
  components: z
    .record(domainName, z.strictObject({ secret: z.string().min(8) }))
    .default({})
    .describe('external components (XEP-0114) by domain'),
  contact: z
    .record(z.string(), z.array(z.string()))
    .default({})
    .describe('contact addresses (XEP-0157): abuse, admin, feedback, sales, security, support, status'),
  limits: z
    .strictObject({
      connections: count.default(200).describe('new connections of one address, a minute; 0: no limit'),
      logins: count.default(20).describe('failed logins of one address or to one account, a minute; 0: no limit'),
      stanzas: count.default(100).describe('stanzas of one session, a second, on average; 0: no limit'),
      registrations: count.default(5).describe('new accounts from one address, a minute; 0: no limit'),
      stanzaBytes: z.number().int().min(10_000).max(16_777_216).default(262_144).describe('largest stanza (XEP-0478)'),
      resources: z.number().int().min(1).max(1000).default(50).describe('sessions of one account'),
      offline: z
        .number()
        .int()
        .min(0)
        .max(1_000_000)
        .default(1000)
        .describe('messages kept for an account that is away'),
      roster: z.number().int().min(1).max(50_000).default(5000).describe('contacts of one account'),
    })
    .prefault({})
    .describe('per address or account, a minute or second; 0 = none'),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['pretty', 'json']).default('pretty'),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      allow: networks
        .default(['127.0.0.0/8', '::1'])
        .describe('addresses and networks that may read /metrics, on the plain HTTP listener alone'),
    })
    .prefault({}),
  modules: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('options of modules, by module name; see docs/modules'),
})

export type ConfigFile = z.output<typeof configSchema>
export type DomainSettings = z.output<typeof domainSettings>

/** The settings that hold for one domain. */
export interface DomainConfig {
  readonly domain: string
  readonly certificate: DomainSettings['certificate']
  readonly registration: 'closed' | 'invite' | 'open'
  readonly anonymous: boolean
  readonly archive: boolean
  readonly archiveDefault: 'always' | 'roster' | 'never'
  /** Milliseconds; undefined: for ever. */
  readonly retention: number | undefined
  readonly admins: readonly string[]
  readonly contact: Readonly<Record<string, readonly string[]>>
}

/** The whole configuration, domains resolved. */
export type Config = Omit<ConfigFile, 'domains'> & { readonly domains: ReadonlyMap<string, DomainConfig> }

/** Fills each domain's settings from the general ones. */
export function resolveDomains(file: ConfigFile): Config {
  const given = Array.isArray(file.domains)
    ? file.domains.map(domain => [domain, {}] as const)
    : Object.entries(file.domains).map(([domain, settings]) => [domain, settings ?? {}] as const)
  const resolved = given.map(
    ([domain, own]: readonly [string, DomainSettings]) =>
      [
        domain,
        {
          domain,
          certificate: own.certificate,
          registration: own.registration ?? file.registration,
          anonymous: own.anonymous ?? file.anonymous,
          archive: own.archive ?? file.archive,
          archiveDefault: own.archiveDefault ?? file.archiveDefault,
          retention: own.retention ?? file.retention,
          admins: [...file.admins, ...(own.admins ?? [])],
          contact: { ...file.contact, ...own.contact },
        } satisfies DomainConfig,
      ] as const,
  )
  return { ...file, domains: new Map(resolved) }
}
