import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../ports.ts'
import type { Doors, World } from '../world.ts'
import { certificateOf, type Link, type Options, type Peer, policyOf } from './peer.ts'
import { ProcessServer } from './process-server.ts'

/** Where Debian puts its parts. */
const PROGRAMS = '/usr/sbin'
const PARTS = ['router', 'sm', 's2s', 'c2s'] as const

export const jabberd2: Peer = {
  name: 'jabberd2',
  // Nothing but dialback counts for it.
  believes: { in: [], out: [] },
  chokes: [],
  hides: [],
  lacks: {
    publishing: 'PEP is switched off as it is packaged',
    interests: 'answers disco#info itself where a client is asked',
    rooms: 'no rooms: they are a program of their own (mu-conference)',
    'rooms of ejabberd': 'messages of the archive lose their namespace on the way through it',
    'rooms of parley': 'messages of the archive lose their namespace on the way through it',
    blocking: 'no XEP-0191, only privacy lists',
    hiding: 'no XEP-0191, only privacy lists',
  },

  missing: () => (existsSync(join(PROGRAMS, 'jabberd2-s2s')) ? undefined : 'not installed'),

  cannot(options) {
    const { directTls, proof, bidi, acknowledged } = policyOf(options)
    if (proof === 'external') return 'no SASL EXTERNAL'
    if (directTls) return 'no direct TLS'
    if (bidi) return 'no XEP-0288'
    if (acknowledged) return 'no XEP-0198 between servers'
    return Object.keys(options.more ?? {}).length > 0 ? 'one domain only' : undefined
  },

  async start(world, domain, options = { proof: 'dialback' }) {
    const folder = world.place(domain)
    const doors = await world.doors(false)
    const [router] = (await freePorts(1)) as [number]
    const { both } = await world.authority.issue(certificateOf(options), domain)
    for (const part of ['c2s', 'sm']) mkdirSync(join(folder, part))
    const place = { folder, doors, router, domain, pem: both }
    for (const [name, text] of Object.entries(configurations(place, options))) writeFileSync(join(folder, name), text)
    return ProcessServer.start(world, {
      ...{ peer: 'jabberd2', domain, doors, folder, options, rooms: undefined, read },
      processes: PARTS.map(part => ({
        name: part,
        command: [join(PROGRAMS, `jabberd2-${part}`), '-c', join(folder, `${part}.xml`)],
        env: resolverOf(world),
      })),
    })
  },
}

/** libudns reads these before /etc/resolv.conf. */
function resolverOf({ names }: World): Record<string, string> {
  return { NAMESERVERS: names.address, RES_OPTIONS: `port:${names.port}` }
}

interface Place {
  readonly folder: string
  readonly doors: Doors
  readonly router: number
  readonly domain: string
  readonly pem: string
}

function configurations({ folder, doors, router: port, domain, pem }: Place, options: Options): Record<string, string> {
  const { tls } = policyOf(options)
  const libraries = findLibraries()
  const common = (part: string) => `<id>${part === 'sm' ? 'sm' : part}</id><log type="stdout"/>`
  const router = `<router><ip>${doors.address}</ip><port>${port}</port><user>jabberd</user><pass>secret</pass>\
<retry><init>50</init><lost>3</lost><sleep>1</sleep></retry></router>`
  const io = (name: string, inner = '') => `<${name}><max_fds>256</max_fds>${inner}</${name}>`
  const large = '<limits><stanzasize>262144</stanzasize></limits>'
  return {
    'users.xml': '<users><user><name>jabberd</name><secret>secret</secret></user></users>',
    'filter.xml': '<filter/>',
    'router.xml': `<router>${common('router')}
<local><ip>${doors.address}</ip><port>${port}</port><users>${folder}/users.xml</users><secret>secret</secret></local>
${io('io')}<aci><acl type="all"><user>jabberd</user></acl><filter>${folder}/filter.xml</filter></aci></router>\n`,
    's2s.xml': `<s2s>${common('s2s')}${router}
<local><ip>${doors.address}</ip><port>${doors.server}</port>${tls === 'off' ? '' : `<pemfile>${pem}</pemfile>`}</local>
${io('io', large)}
<check><interval>5</interval><queue>10</queue><retry>10</retry></check>
<lookup><srv>xmpp-server</srv><min-ttl>1</min-ttl><max-ttl>2</max-ttl><bad-host-timeout>1</bad-host-timeout></lookup>
<security>${tls === 'required' ? '<require_tls>1</require_tls>' : ''}</security></s2s>\n`,
    'c2s.xml': `<c2s>${common('c2s')}${router}
<local><id register-enable="mu">${domain}</id><ip>${doors.address}</ip><port>${doors.client}</port></local>
${io('io', large)}
<authreg><path>${libraries}</path><module>db</module>
<mechanisms><traditional><plain/></traditional><sasl><plain/></sasl></mechanisms>
<db><path>${folder}/c2s</path></db></authreg></c2s>\n`,
    'sm.xml': `<sm>${common('sm')}${router}<local><id>${domain}</id></local>
<storage><path>${libraries}</path><driver>db</driver><db><path>${folder}/sm</path></db></storage>
<modules><path>${libraries}</path>${chains()}</modules>
<discovery><identity><category>server</category><type>im</type><name>jabberd2</name></identity></discovery>
</sm>\n`,
  }
}

/** What happens to a stanza, in this order, on its way through the session manager. */
function chains(): string {
  const modules: Readonly<Record<string, readonly string[]>> = {
    'in-sess': [
      'validate',
      'privacy',
      'roster',
      'iq-vcard',
      'iq-ping',
      'iq-private',
      'disco',
      'offline',
      'presence',
      'deliver',
    ],
    'in-router': ['session', 'validate', 'presence', 'privacy'],
    'out-router': ['privacy'],
    'pkt-sm': ['iq-last', 'iq-ping', 'iq-time', 'iq-version', 'disco', 'presence'],
    'pkt-user': ['roster', 'presence', 'disco', 'iq-vcard', 'deliver', 'offline', 'iq-last'],
    'pkt-router': ['session', 'disco'],
    'user-load': ['active', 'roster', 'privacy'],
    'user-create': ['active'],
    'user-delete': ['active', 'offline', 'privacy', 'roster', 'iq-private', 'iq-vcard'],
    'disco-extend': ['iq-version'],
  }
  return Object.entries(modules)
    .map(([id, names]) => `<chain id="${id}">${names.map(name => `<module>${name}</module>`).join('')}</chain>`)
    .join('')
}

/** The folder of its plug-ins, which depends on the machine. */
function findLibraries(): string {
  const folders = ['/usr/lib/jabberd2', ...readdirSync('/usr/lib').map(name => `/usr/lib/${name}/jabberd2`)]
  return folders.find(folder => existsSync(join(folder, 'authreg_db.so'))) ?? '/usr/lib/jabberd2'
}

/** What it logs: `[9] [127.0.0.1, port=5269] outgoing route 'verona.test/mantua.test' is now valid, TLS negotiated`. */
function read(line: string): Link[] {
  const found = /\b(in|out)(?:coming|going) route '([^/']+)\/([^']+)' is now valid(.*)/.exec(line)
  if (!found) return []
  const [, direction, here, there, flags] = found as unknown as [string, Link['direction'], string, string, string]
  const facts: Link['fact'][] = [...(/TLS/.test(flags) ? ['tls' as const] : []), 'dialback', 'open']
  return facts.map(fact => ({ fact, direction, here, there }))
}
