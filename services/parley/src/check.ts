import { connect } from 'node:net'
import { resolve } from 'node:path'
import { inspectRedis } from '@parley/live'
import { Certificates } from '@parley/wire'
import { type Config, createLogger, opens, systemClock } from '@xmpp/server-core'
import { dnsFindings, type Finding, servicesOf } from './check-dns.ts'
import { type GlobalOptions, loadFrom, socketOf } from './options.ts'
import { table } from './output.ts'

const SOON = 14 * 86_400_000

/** `parley check`: looks at all that keeps clients and other servers from connecting, and says what to change. */
export async function check(options: GlobalOptions): Promise<void> {
  const config = await loadFrom(options)
  const findings: Finding[] = [
    {
      what: 'configuration',
      state: 'ok',
      detail: `domains: ${[...config.domains.keys()].join(', ')}; data in ${resolve(config.data)}`,
    },
    await serverFinding(config),
    ...(await redisFinding(config)),
    ...(await certificateFindings(config)),
    ...(await dnsFindings(config)),
  ]
  console.log(options.json ? JSON.stringify(findings, null, 2) : table(findings))
  if (findings.some(({ state }) => state === 'problem')) process.exitCode = 1
}

/** A running server holds the ports; without one they must be free. */
async function serverFinding(config: Config): Promise<Finding> {
  const running = await reaches({ path: socketOf(config) })
  if (running) return { what: 'server', state: 'ok', detail: 'is running' }
  const taken: string[] = []
  for (const [door, address] of Object.entries(config.listen)) {
    if (address === undefined || !opens(config, door as keyof Config['listen'])) continue
    const port = Number(address.slice(address.lastIndexOf(':') + 1))
    if (port !== 0 && (await reaches({ port, host: '127.0.0.1' }))) taken.push(`listen.${door} ${address}`)
  }
  if (taken.length === 0) return { what: 'ports', state: 'ok', detail: 'the server does not run; its ports are free' }
  return { what: 'ports', state: 'problem', detail: `in use by another program: ${taken.join(', ')}` }
}

async function redisFinding({ redis }: Config): Promise<Finding[]> {
  if (redis === undefined) return []
  const remarks: string[] = []
  try {
    const { version, isCluster } = await inspectRedis(redis, (_, text) => remarks.push(text))
    const detail = remarks.join('; ') || `version ${version}${isCluster ? ', a cluster' : ''}`
    return [{ what: 'Redis', state: remarks.length > 0 ? 'warning' : 'ok', detail }]
  } catch (error) {
    return [{ what: 'Redis', state: 'problem', detail: (error as Error).message }]
  }
}

function reaches(where: { path: string } | { port: number; host: string }): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(where)
    const done = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.on('connect', () => done(true))
    socket.on('error', () => done(false))
    socket.setTimeout(2000, () => done(false))
  })
}

async function certificateFindings(config: Config): Promise<Finding[]> {
  const log = createLogger({ level: 'error', format: 'pretty', sink: process.stderr })
  let certificates: Certificates
  try {
    certificates = await Certificates.open({ config, log, clock: systemClock })
  } catch (error) {
    return [{ what: 'certificates', state: 'problem', detail: (error as Error).message }]
  }
  const findings = [...config.domains.keys()].map(domain => certificateFinding(domain, certificates))
  const services = servicesOf(config).filter(name => !certificates.names(name))
  findings.push(
    ...services.map(name => ({
      what: `certificate ${name}`,
      state: 'warning' as const,
      detail:
        'the certificate does not name it: other servers have to ask by dialback, and those that want certificates stay away',
    })),
  )
  certificates.close()
  return findings
}

function certificateFinding(domain: string, certificates: Certificates): Finding {
  const what = `certificate ${domain}`
  const found = certificates.describe(domain)
  if (!found) return { what, state: 'problem', detail: 'there is none' }
  const until = new Date(found.expires).toISOString().slice(0, 10)
  if (found.expires < Date.now()) return { what, state: 'problem', detail: `expired on ${until}: renew it` }
  if (!found.namesDomain) {
    return {
      what,
      state: 'problem',
      detail: `is for ${found.names.join(', ') || 'no domain'}: nobody takes it for ${domain}`,
    }
  }
  if (found.selfSigned) {
    return { what, state: 'warning', detail: 'self-signed: clients will ask; put a real one into data/certificates' }
  }
  if (found.expires < Date.now() + SOON) return { what, state: 'warning', detail: `expires soon, on ${until}` }
  return { what, state: 'ok', detail: `${found.issuer}, until ${until}` }
}
