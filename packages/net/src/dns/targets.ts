import { isIP, isIPv4, isIPv6 } from 'node:net'
import { asciiDomain } from '@parley/jid'
import type { Asking, SrvStep } from '../discovery.ts'
import { DnsError } from './errors.ts'
import { inOrder } from './order.ts'
import { type Answer, isName, type SrvRecord } from './records.ts'

/** Where a stream to a domain may be opened. */
export interface Target {
  /** A name with A-labels, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  /** TLS from the first byte, with ALPN `xmpp-server`, and no STARTTLS (XEP-0368 § 3); else STARTTLS. */
  readonly direct: boolean
  readonly priority: number
  readonly weight: number
  /** DNSSEC vouches for this being a target of the domain: a certificate may then name `host` too (RFC 7673 §4). */
  readonly secure: boolean
}

export interface Targets {
  /** As it was asked for. */
  readonly domain: string
  /** 1 to {@link MAX_TARGETS}, in the order in which to try them. */
  readonly list: readonly Target[]
  /** DNSSEC vouches for all of the list. */
  readonly secure: boolean
  /** What the list comes from: SRV records; their absence; an IP address in place of the domain. */
  readonly kind: 'srv' | 'fallback' | 'address'
  /** Nobody has said whether there are SRV records. */
  readonly isGuess?: boolean
}

/** RFC 6120 §14.7. */
export const SERVER_PORT = 5269
/** A domain that is not reached at eight places is not reached: whoever lists more costs no more. */
export const MAX_TARGETS = 8
const SERVICES = [
  { label: '_xmpps-server._tcp', direct: true },
  { label: '_xmpp-server._tcp', direct: false },
] as const

type Ask = (name: string) => Promise<Answer<SrvRecord>>
type Found = SrvStep & { readonly targets: readonly Target[] }

/**
 * RFC 6120 §3.2, with both services of XEP-0368 as if they were one.
 *
 * @param domain in the form of addresses here: U-labels, IPv4, or IPv6 in brackets
 * @throws DnsError `declined`, `badname`, or why neither service could be asked for
 */
export async function findTargets(
  domain: string,
  ask: Ask,
  random: () => number,
  observe: Asking['observe'],
): Promise<Targets> {
  const targets = ofAddress(domain) ?? (await ofName(domain, ask, random, observe))
  observe?.({ step: 'targets', kind: targets.kind, list: targets.list, secure: targets.secure })
  return targets
}

function ofAddress(domain: string): Targets | undefined {
  const host = domain.startsWith('[') && domain.endsWith(']') ? domain.slice(1, -1) : domain
  const isAddress = host === domain ? isIPv4(host) : isIPv6(host)
  return isAddress ? { domain, kind: 'address', secure: false, list: [plainTarget(host, false)] } : undefined
}

async function ofName(domain: string, ask: Ask, random: () => number, observe: Asking['observe']): Promise<Targets> {
  const host = asciiDomain(domain)
  if (host === undefined || !isName(host)) throw new DnsError('badname', `${domain} is no name of DNS`)
  const found = await Promise.all(SERVICES.map(({ label, direct }) => lookUp(`${label}.${host}`, direct, ask)))
  for (const { targets: _, ...step } of found) observe?.(step)
  const secure = found.every(each => each.secure)

  const targets = found.flatMap(each => each.targets)
  if (targets.length > 0) return { domain, kind: 'srv', secure, list: inOrder(targets, random).slice(0, MAX_TARGETS) }
  // RFC 6120 §3.2.1 and XEP-0368 § 5: who lists anything, were it "not here", is not looked for elsewhere.
  if (found.some(each => each.result === 'declined')) {
    throw new DnsError('declined', `${domain} says that it has no XMPP server`, { secure })
  }
  if (found.some(each => each.result === 'found')) {
    throw new DnsError('nodata', `The SRV records of ${domain} name no host that can be asked for`, { secure })
  }
  // Without any answer there may be none behind it (RFC 6120 §3.2.1); one that cannot be had may be a forged one.
  const failure = found.find(each => each.error && !each.error.isDenial && each.error.code !== 'timeout')
  if (failure?.error) throw failure.error
  const isGuess = found.some(each => each.result === 'failed')
  return { domain, kind: 'fallback', secure, list: [plainTarget(host, secure)], ...(isGuess && { isGuess }) }
}

/** RFC 6120 §3.2.2. */
function plainTarget(host: string, secure: boolean): Target {
  return { host, port: SERVER_PORT, direct: false, priority: 0, weight: 0, secure }
}

async function lookUp(name: string, direct: boolean, ask: Ask): Promise<Found> {
  const step = { step: 'srv', name, direct, records: [], targets: [] } as const
  try {
    // A long domain leaves no room for the service.
    if (!isName(name)) return { ...step, result: 'none', secure: false }
    const { records, secure } = await ask(name)
    const targets = usable(records, direct, secure)
    const isDeclined = targets.length === 0 && records.some(each => each.target === '.')
    return { ...step, result: isDeclined ? 'declined' : 'found', records, targets, secure }
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    return { ...step, result: error.isDenial ? 'none' : 'failed', secure: error.secure, error }
  }
}

function usable(records: readonly SrvRecord[], direct: boolean, secure: boolean): Target[] {
  const places = new Map<string, Target>()
  for (const { target: host, port, priority, weight } of records) {
    // RFC 2782: the target is a name; an address in its place is none.
    if (!isName(host) || isIP(host) || port === 0) continue
    const place = `${host}:${port}`
    if (!places.has(place)) places.set(place, { host, port, direct, priority, weight, secure })
  }
  return [...places.values()]
}
