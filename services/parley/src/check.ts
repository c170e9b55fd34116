import { Resolver } from 'node:dns/promises'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { inspectRedis } from '@parley/live'
import { Certificates } from '@parley/wire'
import { type Config, createLogger, systemClock } from '@xmpp/server-core'
import { type GlobalOptions, loadFrom, socketOf } from './options.ts'
import { table } from './output.ts'

interface Finding {
  readonly [column: string]: string
  readonly what: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
}

const SOON = 14 * 86_400_000

/** `parley check`: looks at all that keeps clients from connecting, and says what to change. */
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
    if (address === undefined) continue
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
  certificates.close()
  return findings
}

function certificateFinding(domain: string, certificates: Certificates): Finding {
  const what = `certificate ${domain}`
  const found = certificates.describe(domain)
  if (!found) return { what, state: 'problem', detail: 'there is none' }
  const until = new Date(found.expires).toISOString().slice(0, 10)
  if (found.expires < Date.now()) return { what, state: 'problem', detail: `expired on ${until}: renew it` }
  if (found.selfSigned) {
    return { what, state: 'warning', detail: 'self-signed: clients will ask; put a real one into data/certificates' }
  }
  if (found.expires < Date.now() + SOON) return { what, state: 'warning', detail: `expires soon, on ${until}` }
  return { what, state: 'ok', detail: `${found.issuer}, until ${until}` }
}

async function dnsFindings(config: Config): Promise<Finding[]> {
  const dns = new Resolver({ timeout: 2000, tries: 1 })
  const findings: Finding[] = []
  for (const domain of config.domains.keys()) {
    for (const [service, door, fallback] of SERVICES) {
      const address = config.listen[door]
      if (address !== undefined) findings.push(await srvFinding(dns, domain, service, address, fallback))
    }
  }
  return findings
}

const SERVICES = [
  ['_xmpp-client._tcp', 'client', 5222],
  ['_xmpps-client._tcp', 'clientTls', undefined],
] as const

/** RFC 6120 §3.2.1, XEP-0368: what a client looks up first. */
async function srvFinding(
  dns: Resolver,
  domain: string,
  service: string,
  address: string,
  fallback: number | undefined,
): Promise<Finding> {
  const what = `DNS ${service}.${domain}`
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  const add = `add: ${service}.${domain}. 3600 IN SRV 5 0 ${port} ${domain}.`
  if (domain === 'localhost' || !domain.includes('.')) return { what, state: 'ok', detail: 'not needed for this name' }
  try {
    const records = await dns.resolveSrv(`${service}.${domain}`)
    const shown = records.map(({ name, port }) => `${name}:${port}`).join(', ')
    const right = records.some(record => record.port === port)
    return { what, state: right ? 'ok' : 'warning', detail: right ? shown : `${shown}: none has port ${port}; ${add}` }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOTFOUND' && code !== 'ENODATA')
      return { what, state: 'warning', detail: `could not be asked (${code})` }
    if (port === fallback)
      return { what, state: 'warning', detail: `none; clients fall back to ${domain}:${port}; ${add}` }
    return { what, state: 'warning', detail: `none; ${add}` }
  }
}
