import { getServers } from 'node:dns'
import { isIPv4, isIPv6 } from 'node:net'
import { Networks } from '../networks.ts'

/** A name server. */
export interface NameServer {
  readonly address: string
  readonly port: number
  /** Its AD bit counts. */
  readonly isTrusted: boolean
  /** Where its answers come from. */
  readonly source: Networks
}

const PORT = 53
/** Others than the first ones are hardly ever asked: resolv.conf(5) knows three as well. */
const MAX_SERVERS = 3
/** Nobody stands between us and a server on the same machine; Docker's hands on what it hears and validates nothing. */
const LOOPBACK = new Networks(['127.0.0.0/8', '::1'])
const FORWARDERS = new Networks(['127.0.0.11'])

/**
 * @param given addresses, with ports where they are not 53; the system's servers when undefined
 * @param trusted addresses and networks whose servers validate, over a way that nobody can tamper with (RFC 6840 §5.8)
 * @throws TypeError for what is no address
 */
export function nameServers(given: readonly string[] | undefined, trusted: readonly string[]): NameServer[] {
  const believed = new Networks(trusted)
  return (given ?? getServers()).slice(0, MAX_SERVERS).map(text => {
    const { address, port } = parse(text)
    const isTrusted = believed.has(address) || (LOOPBACK.has(address) && !FORWARDERS.has(address))
    return { address, port, isTrusted, source: new Networks([address.split('%')[0]!]) }
  })
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. */
function parse(text: string): { address: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = isIPv6(text) ? text : (bracketed ?? plain ?? '')
  const port = isIPv6(text) || digits === undefined ? PORT : Number(digits)
  if (!isIPv4(address) && !isIPv6(address)) throw new TypeError(`${text} is no address of a name server`)
  return { address, port }
}
