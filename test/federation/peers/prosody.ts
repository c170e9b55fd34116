import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../bench/servers/programs.ts'
import { ROOT } from '../../root.ts'
import type { Certificate } from '../ca.ts'
import type { Doors, World } from '../world.ts'
import { certificateOf, type Link, moreDomains, type Options, type Peer, policyOf } from './peer.ts'
import { ProcessServer } from './process-server.ts'

const PLUGINS = join(ROOT, 'test/federation/peers/prosody')
const MODULES = [
  ...['roster', 'saslauth', 'tls', 's2s', 'disco', 'blocklist', 'smacks', 'pep', 'vcard_legacy', 'ping', 'version'],
  ...['register', 'register_ibr', 'time', 'offline', 'posix', 'peers'],
]

export const prosody: Peer = {
  name: 'prosody',
  believes: {
    // Everybody must be a server, who opens a stream too; the common name counts where there is no other name.
    in: ['good', 'server-only', 'wildcard', 'cn-only', 'srv-name'],
    out: ['good', 'server-only', 'wildcard', 'cn-only', 'srv-name'],
  },
  chokes: [],
  hides: [],
  lacks: {},

  missing: () => (findProgram('prosody') ? undefined : 'not installed'),

  cannot: options => (policyOf(options).dane ? 'no DANE without libunbound' : undefined),

  async start(world, domain, options = {}) {
    const folder = world.place(domain)
    mkdirSync(join(folder, 'data'))
    const doors = await world.doors(policyOf(options).directTls)
    const rooms = `rooms.${domain}`
    const own = await world.authority.issue(certificateOf(options), domain, [rooms])
    const more = await Promise.all(
      moreDomains(domain, options).map(
        async ([name, kind]) => [name, await world.authority.issue(kind, name)] as const,
      ),
    )
    const file = join(folder, 'prosody.cfg.lua')
    writeFileSync(file, configuration(world, { folder, doors, domain, rooms, own, more }, options))
    return ProcessServer.start(world, {
      ...{ peer: 'prosody', domain, doors, folder, options, rooms, read },
      processes: [{ name: 'prosody', command: [findProgram('prosody')!, '-F', '--config', file] }],
    })
  },
}

interface Place {
  readonly folder: string
  readonly doors: Doors
  readonly domain: string
  readonly rooms: string
  readonly own: Certificate
  readonly more: readonly (readonly [string, Certificate])[]
}

function configuration(world: World, place: Place, options: Options): string {
  const { folder, doors, domain, rooms, own, more } = place
  const { tls, proof, bidi, acknowledged, archive } = policyOf(options)
  const modules = [
    ...MODULES,
    ...(archive ? ['mam'] : []),
    ...(proof === 'external' ? [] : ['dialback']),
    ...(bidi ? ['s2s_bidi'] : []),
  ]
  const list = (names: readonly string[]) => names.map(name => `"${name}"`).join(', ')
  const files = ({ cert, key }: Certificate) =>
    `{ certificate = "${cert}", key = "${key}", cafile = "${world.authority.file}" }`
  return `run_as_root = true
daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
certificates = "${folder}"
plugin_paths = { "${PLUGINS}" }
log = { info = "*console" }
peers_dns_address = "${world.names.address}"
peers_dns_port = ${world.names.port}
interfaces = { "${doors.address}" }
c2s_ports = { ${doors.client} }
c2s_direct_tls_ports = { }
s2s_ports = { ${doors.server} }
s2s_direct_tls_ports = { ${doors.serverTls ?? ''} }
s2s_direct_tls_ssl = ${files(own)}
modules_enabled = { ${list(modules)} }
modules_disabled = { ${list(proof === 'dialback' ? ['s2s_auth_certs'] : [])} }
authentication = "internal_plain"
allow_registration = true
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
s2s_allow_encryption = ${tls !== 'off'}
s2s_require_encryption = ${tls === 'required'}
s2s_secure_auth = ${proof === 'external'}
smacks_enabled_s2s = ${acknowledged}
use_ipv6 = false
s2s_timeout = 20
VirtualHost "${domain}"
  ssl = ${files(own)}
Component "${rooms}" "muc"
  modules_enabled = { "muc_mam", "peers" }
  restrict_room_creation = false
  muc_tombstones = false
  muc_log_by_default = true
${more.map(([name, certificate]) => `VirtualHost "${name}"\n  ssl = ${files(certificate)}\n`).join('')}`
}

/** What our module for Prosody writes: `peers: EXTERNAL out verona.test mantua.test`. */
function read(line: string): Link[] {
  const found = /peers: (\S+) (in|out) (\S+) (\S+)$/.exec(line)
  if (!found) return []
  const [, fact, direction, here, there] = found as unknown as [string, Link['fact'], Link['direction'], string, string]
  return [{ fact, direction, here, there }]
}
