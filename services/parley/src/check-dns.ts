import { Resolver } from 'node:dns/promises'
import { type Config, opens } from '@xmpp/server-core'

export interface Finding {
  readonly [column: string]: string
  readonly what: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
}

/** The name at which other servers look for rooms of each domain; none where nobody talks with other servers. */
export function servicesOf({ domains, federation }: Config): string[] {
  const names = [...domains.keys()].filter(domain => domain.includes('.'))
  return federation.enabled ? names.map(domain => `conference.${domain}`) : []
}

/** Whether DNS leads clients and other servers here. */
export async function dnsFindings(config: Config): Promise<Finding[]> {
  const dns = new Resolver({ timeout: 2000, tries: 1 })
  const { enabled, dns: servers } = config.federation
  if (servers) dns.setServers(servers)
  const findings: Finding[] = []
  for (const domain of config.domains.keys()) {
    for (const [service, door, fallback] of SERVICES) {
      const address = config.listen[door]
      const isWanted = opens(config, door) && (enabled || !door.startsWith('server'))
      if (address !== undefined && isWanted) findings.push(await srvFinding(dns, domain, service, address, fallback))
    }
  }
  for (const name of config.listen.server === undefined || !opens(config, 'server') ? [] : servicesOf(config))
    findings.push(await srvFinding(dns, name, '_xmpp-server._tcp', config.listen.server!, 5269))
  return findings
}

const SERVICES = [
  ['_xmpp-client._tcp', 'client', 5222],
  ['_xmpps-client._tcp', 'clientTls', undefined],
  ['_xmpp-server._tcp', 'server', 5269],
  ['_xmpps-server._tcp', 'serverTls', undefined],
] as const

/** RFC 6120 §3.2.1, XEP-0368: what a client, or another server, looks up first. */
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
      return { what, state: 'warning', detail: `none; who looks for it falls back to ${domain}:${port}; ${add}` }
    return { what, state: 'warning', detail: `none; ${add}` }
  }
}
