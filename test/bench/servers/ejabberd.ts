import { chownSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../ports.ts'
import { withChildren } from '../load/processes.ts'
import { Child } from './child.ts'
import { findProgram, findUser, makeCertificate } from './programs.ts'
import { type BenchServer, DOMAIN, knock, NOT_INSTALLED, type Place, type Setup } from './server.ts'

/** What Parley speaks, as far as there is a module for it. */
const MODULES = [
  ...['mod_adhoc', 'mod_blocking', 'mod_caps', 'mod_carboncopy', 'mod_client_state', 'mod_disco', 'mod_last'],
  ...[
    'mod_offline',
    'mod_ping',
    'mod_privacy',
    'mod_private',
    'mod_stream_mgmt',
    'mod_time',
    'mod_vcard',
    'mod_version',
  ],
]

export const ejabberd: BenchServer = {
  name: 'ejabberd',

  async missing({ nodes }) {
    if (nodes > 1) return 'measured as a single node'
    return findProgram('ejabberdctl') ? undefined : NOT_INSTALLED
  },

  async start(place, setup) {
    const [port, distribution] = (await freePorts(2)) as [number, number]
    const options = prepare(place, setup, port, distribution)
    const { folder, core } = place
    // Debian's ejabberdctl refuses other users than root and its own, and root it turns into its own by `su`.
    const user = process.getuid?.() === 0 ? findUser('ejabberd') : undefined
    if (user) give(folder, user)
    const child = new Child({
      command: [findProgram('ejabberdctl')!, ...options, 'foreground'],
      folder,
      name: 'ejabberd',
      core,
      env: { HOME: join(folder, 'spool') },
      user,
    })
    // The script waits for the virtual machine, which is the one to be told.
    const machine = () => withChildren([child.pid]).find(isMachine) ?? child.pid
    const stop = () => child.stop('SIGTERM', machine())
    await child.until(() => knock(port)).catch(error => stop().then(() => Promise.reject(error)))
    return { ports: [port], pids: [child.pid], lastWords: () => child.lastWords, stop }
  },
}

/** Writes all files and gives the options that make ejabberdctl use them, and nothing of the system's. */
function prepare({ folder }: Place, setup: Setup, port: number, distribution: number): string[] {
  for (const name of ['conf', 'spool', 'logs']) mkdirSync(join(folder, name))
  const { cert, key } = makeCertificate(join(folder, 'conf'), DOMAIN)
  const both = join(folder, 'conf/both.pem')
  copyFileSync(cert, both)
  writeFileSync(both, readFileSync(key), { flag: 'a' })
  writeFileSync(join(folder, 'conf/ejabberd.yml'), configuration(both, setup, port))
  writeFileSync(join(folder, 'conf/inetrc'), '{lookup,["file","native"]}.\n')
  // With a port of its own for distribution no epmd is asked or started: that daemon is the system's.
  writeFileSync(
    join(folder, 'conf/ejabberdctl.cfg'),
    `ERLANG_NODE=parley-bench@localhost\nERL_DIST_PORT=${distribution}\nINET_DIST_INTERFACE=127.0.0.1\n`,
  )
  writeFileSync(join(folder, 'spool/.erlang.cookie'), `bench${process.pid}`, { mode: 0o400 })
  return [
    ...['--config-dir', join(folder, 'conf'), '--ctl-config', join(folder, 'conf/ejabberdctl.cfg')],
    ...['--logs', join(folder, 'logs'), '--spool', join(folder, 'spool')],
  ]
}

function configuration(certificate: string, { archive }: Setup, port: number): string {
  return `loglevel: warning
hosts: [${DOMAIN}]
certfiles: ["${certificate}"]
listen:
  - {port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, max_stanza_size: 262144, backlog: 1000}
auth_password_format: scram
registration_timeout: infinity
access_rules:
  everyone: {allow: all}
modules:
${MODULES.map(name => `  ${name}: {}\n`).join('')}  mod_roster: {versioning: true}
  mod_muc: {access_create: everyone, max_users: 2000, default_room_options: {max_users: 2000}, min_message_interval: 0, min_presence_interval: 0, history_size: 20}
  mod_pubsub: {plugins: [flat, pep]}
  mod_register: {access: everyone, ip_access: everyone, password_strength: 0}
${archive ? '  mod_mam: {default: always}\n' : ''}`
}

function isMachine(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('beam')
  } catch {
    return false
  }
}

function give(path: string, { uid, gid }: { uid: number; gid: number }): void {
  chownSync(path, uid, gid)
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) give(join(path, entry.name), { uid, gid })
    else chownSync(join(path, entry.name), uid, gid)
  }
}
