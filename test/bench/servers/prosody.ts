import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../ports.ts'
import { Child } from './child.ts'
import { findProgram, makeCertificate } from './programs.ts'
import { type BenchServer, DOMAIN, knock, NOT_INSTALLED, type Place, type Running, type Setup } from './server.ts'

/** What Parley speaks, as far as there is a module for it. */
const MODULES = [
  ...['roster', 'saslauth', 'tls', 'disco', 'blocklist', 'carbons', 'csi_simple', 'smacks', 'private', 'vcard'],
  ...['ping', 'register', 'register_ibr', 'time', 'version', 'offline', 'lastactivity', 'posix', 'pep'],
]

export const prosody: BenchServer = {
  name: 'prosody',

  async missing({ nodes }) {
    if (nodes > 1) return 'one process only'
    return findProgram('prosody') ? undefined : NOT_INSTALLED
  },

  async start(place, setup) {
    const [port] = (await freePorts(1)) as [number]
    const file = join(place.folder, 'prosody.cfg.lua')
    mkdirSync(join(place.folder, 'data'))
    writeFileSync(file, configuration(place, setup, port))
    const { folder, core } = place
    const child = new Child({
      command: [findProgram('prosody')!, '-F', '--config', file],
      folder,
      name: 'prosody',
      core,
    })
    const running: Running = {
      ports: [port],
      pids: [child.pid],
      lastWords: () => child.lastWords,
      stop: () => child.stop(),
    }
    await child.until(() => knock(port)).catch(error => child.stop().then(() => Promise.reject(error)))
    return running
  },
}

function configuration({ folder }: Place, { archive }: Setup, port: number): string {
  const { cert, key } = makeCertificate(folder, DOMAIN)
  const modules = archive ? [...MODULES, 'mam'] : MODULES
  return `run_as_root = true
daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
certificates = "${folder}"
log = { warn = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
s2s_ports = { }
network_settings = { tcp_backlog = 1000 }
modules_enabled = { ${modules.map(name => `"${name}"`).join(', ')} }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
allow_registration = true
c2s_require_encryption = false
ssl = { key = "${key}", certificate = "${cert}" }
VirtualHost "${DOMAIN}"
Component "conference.${DOMAIN}" "muc"
  restrict_room_creation = false
  muc_tombstones = false
`
}
