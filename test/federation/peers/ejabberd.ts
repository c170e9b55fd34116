import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, findUser } from '../../bench/servers/programs.ts'
import { freePorts } from '../../ports.ts'
import type { Doors, World } from '../world.ts'
import { certificateOf, type Link, moreDomains, type Options, type Peer, policyOf } from './peer.ts'
import { ProcessServer } from './process-server.ts'

const MODULES = [
  ...['mod_blocking', 'mod_caps', 'mod_disco', 'mod_last', 'mod_offline', 'mod_ping', 'mod_privacy', 'mod_private'],
  ...['mod_stream_mgmt', 'mod_time', 'mod_vcard', 'mod_version', 'mod_roster'],
]

export const ejabberd: Peer = {
  name: 'ejabberd',
  believes: {
    // Who opens a stream must be a client. The common name counts too.
    in: ['good', 'client-only', 'wildcard', 'cn-only'],
    out: ['good', 'server-only', 'wildcard', 'cn-only'],
  },
  // The process of the stream crashes where it collects the names.
  chokes: ['xmpp-addr'],
  // It shows another certificate where the name is an SRVName.
  hides: ['srv-name'],
  lacks: { hiding: 'tells a contact who is blocked nothing' },

  missing: () => (findProgram('ejabberdctl') ? undefined : 'not installed'),

  cannot(options) {
    const { bidi, acknowledged, dane } = policyOf(options)
    if (dane) return 'no DANE'
    if (bidi) return 'no XEP-0288'
    return acknowledged ? 'no XEP-0198 between servers' : undefined
  },

  async start(world, domain, options = {}) {
    const folder = world.place(domain)
    const doors = await world.doors(policyOf(options).directTls)
    const rooms = `rooms.${domain}`
    const own = await world.authority.issue(certificateOf(options), domain, [rooms])
    const more = moreDomains(domain, options)
    const others = await Promise.all(more.map(([name, kind]) => world.authority.issue(kind, name)))
    for (const name of ['conf', 'spool', 'logs']) mkdirSync(join(folder, name))
    const file = (name: string, text: string, mode = 0o644) => writeFileSync(join(folder, name), text, { mode })
    const files = [own, ...others].map(({ both }, index) => {
      file(`conf/certificate-${index}.pem`, readFileSync(both, 'utf8'))
      return join(folder, `conf/certificate-${index}.pem`)
    })
    const domains = [domain, ...more.map(([name]) => name)]
    file('conf/ejabberd.yml', configuration(world, { doors, domains, files }, options))
    // Names are asked of the play's name server only, and what is in /etc must not replace it.
    const { address: names, port } = world.names
    const nameserver = `{nameserver,{${names.replaceAll('.', ',')}},${port}}`
    file('conf/inetrc', `{lookup,[dns]}.\n{resolv_conf,""}.\n{hosts_file,""}.\n${nameserver}.\n`)
    const [distribution] = (await freePorts(1)) as [number]
    // With a port of its own for distribution no epmd is asked or started: that daemon is the system's.
    file(
      'conf/ejabberdctl.cfg',
      `ERLANG_NODE=peer@localhost\nERL_DIST_PORT=${distribution}\nINET_DIST_INTERFACE=127.0.0.1\n`,
    )
    file('spool/.erlang.cookie', `federation${process.pid}`, 0o400)
    // Debian's ejabberdctl refuses other users than root and its own, and root it turns into its own by `su`.
    const user = process.getuid?.() === 0 ? findUser('ejabberd') : undefined
    if (user) give(folder, user)
    return ProcessServer.start(world, {
      ...{ peer: 'ejabberd', domain, doors, folder, options, rooms, read, isMain: isMachine },
      processes: [
        {
          name: 'ejabberd',
          command: [
            findProgram('ejabberdctl')!,
            ...['--config-dir', join(folder, 'conf'), '--ctl-config', join(folder, 'conf/ejabberdctl.cfg')],
            ...['--logs', join(folder, 'logs'), '--spool', join(folder, 'spool'), 'foreground'],
          ],
          env: { HOME: join(folder, 'spool') },
          user,
        },
      ],
    })
  },
}

interface Place {
  readonly doors: Doors
  readonly domains: readonly string[]
  readonly files: readonly string[]
}

function configuration(world: World, { doors, domains, files }: Place, options: Options): string {
  const { tls, proof, archive } = policyOf(options)
  const listener = (port: number, module: string, more: string) =>
    `  - {port: ${port}, ip: "${doors.address}", module: ${module}${more}}\n`
  return `loglevel: info
hosts: [${domains.join(', ')}]
certfiles: [${files.map(file => `"${file}"`).join(', ')}]
ca_file: "${world.authority.file}"
s2s_cafile: "${world.authority.file}"
s2s_use_starttls: ${{ required: 'required', optional: 'optional', off: 'false' }[tls]}
s2s_max_retry_delay: 1
s2s_dns_timeout: 5
s2s_timeout: 20
outgoing_s2s_families: [ipv4]
listen:
${listener(doors.client, 'ejabberd_c2s', ', starttls: true, max_stanza_size: 262144')}\
${listener(doors.server, 'ejabberd_s2s_in', '')}\
${doors.serverTls === undefined ? '' : listener(doors.serverTls, 'ejabberd_s2s_in', ', tls: true')}\
auth_password_format: plain
registration_timeout: infinity
access_rules:
  everyone: {allow: all}
modules:
${MODULES.map(name => `  ${name}: {}\n`).join('')}${proof === 'external' ? '' : '  mod_s2s_dialback: {}\n'}\
${archive ? '  mod_mam: {default: always}\n' : ''}\
  mod_muc:
    host: "rooms.@HOST@"
    access_create: everyone
    default_room_options: {mam: ${archive}}
    min_message_interval: 0
    min_presence_interval: 0
    history_size: 20
  mod_pubsub: {plugins: [flat, pep]}
  mod_register: {access: everyone, ip_access: everyone, password_strength: 0}
`
}

/** What it logs: `(tls|<0.5.0>) Accepted outbound s2s EXTERNAL authentication verona.test -> mantua.test (127.0.0.1)`. */
function read(line: string): Link[] {
  const found = /\((tls|tcp)\|.*Accepted (in|out)bound s2s (EXTERNAL|dialback) authentication (\S+) -> (\S+)/.exec(line)
  if (!found) return []
  const direction = found[2] as Link['direction']
  const [here, there] = direction === 'out' ? [found[4]!, found[5]!] : [found[5]!, found[4]!]
  const facts: Link['fact'][] = [...(found[1] === 'tls' ? ['tls' as const] : []), found[3] as Link['fact']]
  return [...facts, 'open' as const].map(fact => ({ fact, direction, here, there }))
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
