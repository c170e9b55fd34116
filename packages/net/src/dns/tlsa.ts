import { isIP } from 'node:net'
import { DnsError } from './errors.ts'
import type { Answer } from './records.ts'
import type { Target } from './targets.ts'

/**
 * The names at which TLSA records of a target may stand (RFC 6698 §3, RFC 7671 §7: behind secure aliases first); none where
 * DNSSEC does not vouch for the way to the target (RFC 7673 §3.1, §3.2).
 *
 * @param addresses asks for the addresses of the target's host
 * @throws DnsError when no address could be asked for
 */
export async function tlsaNames(
  target: Target,
  addresses: (family: 4 | 6) => Promise<Answer<string>>,
): Promise<string[]> {
  if (!target.secure || isIP(target.host)) return []
  const asked = await Promise.allSettled([addresses(6), addresses(4)])
  const answers = asked.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  const errors = asked.flatMap(each => (each.status === 'rejected' ? [each.reason as unknown] : []))
  const failure = errors.find(error => !(error instanceof DnsError && error.isDenial))
  if (answers.length === 0 && failure) throw failure
  if (!answers.every(each => each.secure)) return []
  const hosts = new Set([...answers.map(each => each.name), target.host])
  return [...hosts].map(host => `_${target.port}._tcp.${host}`)
}
