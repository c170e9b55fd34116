import { createHash, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../root.ts'
import type { Certificate } from '../ca.ts'
import type { Doors, World } from '../world.ts'
import { certificateOf, type Link, moreDomains, type Options, type Peer, policyOf } from './peer.ts'
import { ProcessServer } from './process-server.ts'

const PROGRAM = join(ROOT, 'services/parley/bin/parley.js')
/** As `npm start` starts it (docs/decisions/0002-young-generation.md). */
const NODE_OPTIONS = ['--max-semi-space-size=64']

/** Our own server, as `npm start` runs it: one more peer. */
export const parley: Peer = {
  name: 'parley',
  believes: {
    // RFC 9525 § 2: a common name is no name. Everybody must be a server, who opens a stream too.
    in: ['good', 'server-only', 'wildcard', 'xmpp-addr', 'srv-name'],
    out: ['good', 'server-only', 'wildcard', 'xmpp-addr', 'srv-name'],
  },
  chokes: [],
  hides: [],
  lacks: {},

  missing: () => (existsSync(PROGRAM) ? undefined : 'not built'),

  cannot: () => undefined,

  async start(world, domain, options = {}) {
    const folder = world.place(domain)
    mkdirSync(join(folder, 'data'))
    chmodSync(join(folder, 'data'), 0o711)
    const doors = await world.doors(policyOf(options).directTls)
    const rooms = `conference.${domain}`
    const own = await world.authority.issue(certificateOf(options), domain, [rooms])
    const more = await Promise.all(
      moreDomains(domain, options).map(
        async ([name, kind]) => [name, await world.authority.issue(kind, name)] as const,
      ),
    )
    if (policyOf(options).dane) vouchFor(own, doors, world)
    const file = join(folder, 'parley.yaml')
    const certificates = Object.fromEntries([[domain, own], ...more])
    writeFileSync(file, configuration(world, { folder, doors, certificates }, options))
    return ProcessServer.start(world, {
      ...{ peer: 'parley', domain, doors, folder, options, rooms, read },
      processes: [{ name: 'parley', command: [process.execPath, ...NODE_OPTIONS, PROGRAM, '--config', file, 'serve'] }],
    })
  },
}

/** RFC 7673 §3.3: at the host that the SRV records name, for each of its ports. */
function vouchFor({ cert }: Certificate, { server, serverTls }: Doors, { names }: World): void {
  const data = createHash('sha256')
    .update(new X509Certificate(readFileSync(cert)).raw)
    .digest()
  for (const port of [server, serverTls])
    if (port !== undefined)
      names.set(`_${port}._tcp.localhost`, { type: 'TLSA', usage: 3, selector: 0, matching: 1, data })
}

interface Place {
  readonly folder: string
  readonly doors: Doors
  readonly certificates: Readonly<Record<string, Certificate>>
}

/** The one place that knows what the keys of federation are called. */
function configuration(world: World, { folder, doors, certificates }: Place, options: Options): string {
  const { tls, proof, bidi, archive, patience } = policyOf(options)
  const { address, client, server, serverTls } = doors
  const may = (wanted: boolean) => (wanted ? 'optional' : 'off')
  const domains = Object.entries(certificates).map(
    ([name, { cert, key }]) => `  ${name}: { certificate: { cert: ${cert}, key: ${key} } }\n`,
  )
  return `domains:
${domains.join('')}\
data: ${folder}/data
listen:
  client: "${address}:${client}"
  server: "${address}:${server}"
${serverTls === undefined ? '' : `  serverTls: "${address}:${serverTls}"\n`}\
tls: { client: optional, serverCa: ${world.authority.file} }
federation:
  dns: ["${world.names.address}:${world.names.port}"]
  allow: [127.0.0.0/8]
  tls: ${tls}
  sasl: ${proof === 'external' ? 'required' : may(proof === 'both')}
  dialback: ${may(proof !== 'external')}
  bidi: ${bidi}
  patience: ${patience}
  limits: { discovered: 0, allowed: 0, contacts: 0 }
registration: open
archive: ${archive ? 'on' : 'off'}
auth: { iterations: 4096 }
limits: { connections: 0, logins: 0, stanzas: 0, registrations: 0 }
log: { level: info, format: json }
`
}

/** Each line is an object. */
function read(line: string): Link[] {
  if (!line.startsWith('{')) return []
  const said = JSON.parse(line) as Record<string, string | boolean | undefined>
  const facts: Link['fact'][] = [String(said['proof']).startsWith('certificate') ? 'EXTERNAL' : 'dialback', 'open']
  if (said['tls'] !== undefined) facts.push('tls')
  if (said['direct']) facts.push('direct')
  if (said['acknowledges']) facts.push('sm')
  if (said['bidi']) facts.push('bidi')
  const link = (direction: Link['direction'], here: unknown, there: unknown) =>
    facts.map(fact => ({ direction, here: String(here), there: String(there), fact }))
  if (said['msg'] === 'another server has connected') return link('in', said['to'], said['domain'])
  return said['msg'] === 'connected to another server' ? link('out', said['from'], said['to']) : []
}
