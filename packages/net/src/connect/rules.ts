import { isIP, isIPv4 } from 'node:net'
import { Networks, plainAddress } from '../networks.ts'
import { embeddedIPv4 } from './embedded.ts'

/**
 * Networks that are not the Internet, or not somebody's (IANA's registries of special-purpose addresses). A domain of
 * anybody may point there, and a server stands where it can reach what they cannot.
 */
const CLOSED_IPV4 = new Networks([
  '0.0.0.0/8', // this host (RFC 1122)
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // behind a provider's NAT (RFC 6598)
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and where clouds keep credentials
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocols (RFC 6890)
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.88.99.0/24', // relays of 6to4 (RFC 7526)
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks (RFC 2544)
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
])
/** All of IPv6 that is assigned to anybody (RFC 4291 §2.4); the rest is local, multicast, mapped or unassigned. */
const GLOBAL_IPV6 = new Networks(['2000::/3'])
const CLOSED_IPV6 = new Networks([
  '2001::/23', // protocols (RFC 2928), Teredo among them, which leads to any IPv4 address
  '2001:db8::/32', // documentation (RFC 3849)
  '3fff::/20', // documentation (RFC 9637)
])

/** The one port below 1024 where XMPP servers are: behind firewalls that know nothing but the web (XEP-0368 § 4). */
const HTTPS_PORT = 443
/** Up to here ports belong to the system's services: ssh, mail, DNS, LDAP, SMB. */
const SYSTEM_PORTS = 1023
/**
 * Services above that which take orders from whoever reaches them, or nearly: the first line of a stream, which holds
 * a name of the other side's choosing, is not for them.
 */
const SERVICE_PORTS = new Set([
  1433,
  1521,
  3306,
  5432,
  5984,
  8086,
  9042,
  27017,
  27018,
  27019,
  50000, // databases
  6379,
  6380,
  11211,
  16379,
  26379, // Redis, memcached
  2049,
  3260,
  9000,
  9001, // storage
  2181,
  2375,
  2376,
  2379,
  2380,
  4243,
  6443,
  8500,
  8600,
  10250,
  10255, // what runs the machines
  4369,
  5671,
  5672,
  1883,
  9092,
  61613,
  61616, // queues
  9200,
  9300, // search
  3128,
  1080, // proxies
  3389,
  5900,
  5901,
  5985,
  5986,
  6000,
  6001, // desktops
  9100, // printers
  9418, // git
])

export type Refusal = 'network' | 'port'

/** Where connections to other servers may go; asked about the very address that is connected to. */
export class ConnectRules {
  readonly #allowed: Networks
  readonly #system: boolean

  /**
   * @param allow addresses and networks (CIDR) that the operator opens, such as those of other servers in the house
   * @param system whether ports of the system's services are open too: for gateways, which speak with mail and other servers
   */
  constructor({ allow = [], system = false }: { readonly allow?: readonly string[]; readonly system?: boolean } = {}) {
    this.#allowed = new Networks(allow)
    this.#system = system
  }

  /** Why not to connect there; undefined when nothing speaks against it. Ports are refused in open networks too. */
  refusal(address: string, port: number): Refusal | undefined {
    return this.portRefusal(port) ?? (this.#isOpen(address) ? undefined : 'network')
  }

  portRefusal(port: number): Refusal | undefined {
    const isSystem = !this.#system && port <= SYSTEM_PORTS && port !== HTTPS_PORT
    return isSystem || port < 1 || port > 65_535 || SERVICE_PORTS.has(port) ? 'port' : undefined
  }

  #isOpen(address: string): boolean {
    const plain = plainAddress(address)
    // With a zone (RFC 4007 §11) it is an address of this network alone.
    if (isIP(plain) === 0 || plain.includes('%')) return false
    if (this.#allowed.has(plain)) return true
    if (isIPv4(plain)) return !CLOSED_IPV4.has(plain)
    const inner = embeddedIPv4(plain)
    if (inner !== undefined) return this.#isOpen(inner)
    return GLOBAL_IPV6.has(plain) && !CLOSED_IPV6.has(plain)
  }
}
