import { parseArgs } from 'node:util'
import { CERTIFICATES, type CertificateKind } from './ca.ts'
import { peers } from './peers/index.ts'
import type { Options, PeerName, Policy } from './peers/peer.ts'
import { World } from './world.ts'

const HELP = `npm run federation -- peer:domain… [options]

Starts peers that know each other, for trying by hand, and ends them with Ctrl-C. A peer is prosody, ejabberd, jabberd2 or
parley: npm run federation -- prosody:montague.test ejabberd:capulet.test

  --names PORT               the port of the name server on 127.0.0.1 (otherwise any)
  --tls required|optional|off, --direct, --proof external|dialback|both, --bidi, --acknowledged
  --certificate KIND         ${Object.keys(CERTIFICATES).join(', ')}
  --also DOMAIN=ADDRESS:PORT[,TLSPORT]
                             another server, which runs elsewhere: its names, and a certificate of the authority for it
`

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      names: { type: 'string', default: '0' },
      tls: { type: 'string', default: 'required' },
      direct: { type: 'boolean', default: false },
      proof: { type: 'string', default: 'external' },
      bidi: { type: 'boolean', default: false },
      acknowledged: { type: 'boolean', default: false },
      certificate: { type: 'string' },
      also: { type: 'string', multiple: true, default: [] },
    },
  })
  if (values.help || positionals.length === 0) {
    console.log(HELP)
    return values.help ? 0 : 1
  }
  const options: Options = {
    tls: values.tls as Policy['tls'],
    directTls: values.direct,
    proof: values.proof as Policy['proof'],
    bidi: values.bidi,
    acknowledged: values.acknowledged,
    ...(values.certificate === undefined ? {} : { certificate: values.certificate as CertificateKind }),
  }
  const world = await World.open(Number(values.names))
  try {
    console.log(`names      ${world.names.address}:${world.names.port}\nauthority  ${world.authority.file}`)
    for (const also of values.also) await introduce(world, also)
    await Promise.all(positionals.map(text => launch(world, text, options)))
    console.log('Ctrl-C ends them')
    await new Promise(resolve => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve)
    })
  } finally {
    await world.close()
  }
  return 0
}

async function launch(world: World, text: string, options: Options): Promise<void> {
  const [name = '', domain = ''] = text.split(':')
  const peer = peers[name as PeerName]
  if (!peer || domain === '') throw new Error(`${text} is not a peer and its domain`)
  const reason = peer.missing() ?? peer.cannot(options)
  if (reason !== undefined) throw new Error(`${name}: ${reason}`)
  const { doors } = await peer.start(world, domain, options)
  const servers = [doors.server, doors.serverTls].filter(port => port !== undefined).join(' and ')
  console.log(
    `${name.padEnd(10)} ${domain} at ${doors.address}, clients ${doors.client} (no TLS needed, anybody may register), servers ${servers}; log in ${world.folder}/${domain}`,
  )
}

async function introduce(world: World, text: string): Promise<void> {
  const found = /^([^=]+)=([\d.]+):(\d+)(?:,(\d+))?$/.exec(text)
  if (!found) throw new Error(`${text} is not DOMAIN=ADDRESS:PORT`)
  const [, domain, address, port, tlsPort] = found as unknown as [string, string, string, string, string?]
  const door = { address, server: Number(port), serverTls: tlsPort === undefined ? undefined : Number(tlsPort) }
  for (const name of [domain, `conference.${domain}`]) world.publish(name, door)
  const { cert, key } = await world.authority.issue('good', domain, [`conference.${domain}`])
  console.log(`${domain}  certificate ${cert}, key ${key}`)
}
