import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** An IP address as everything here writes it: IPv4 in IPv6 (`::ffff:192.0.2.1`) is IPv4. */
export function plainAddress(address: string): string {
  const isMapped = address.startsWith('::ffff:') && isIPv4(address.slice(7))
  return isMapped ? address.slice(7) : address
}

/** `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`: whether it names an address or a network. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  if (more.length > 0 || address.includes('%')) return false
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  return most > 0 && (bits === undefined || (/^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most))
}

/** A set of addresses, given as addresses and networks (CIDR). */
export class Networks {
  readonly #list = new BlockList()
  readonly isEmpty: boolean

  /** @param networks each as {@link isNetwork} allows */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0
    for (const network of networks) {
      const [address = '', bits] = network.split('/')
      const family = isIPv4(address) ? 'ipv4' : 'ipv6'
      if (bits === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(bits), family)
    }
  }

  /** Whether the address is in one of the networks; what is no address is not. */
  has(address: string): boolean {
    if (this.isEmpty) return false
    const plain = plainAddress(address)
    if (isIPv4(plain)) return this.#list.check(plain, 'ipv4')
    // A link-local address comes with its interface.
    const [bare = ''] = plain.split('%')
    return isIPv6(bare) && this.#list.check(bare, 'ipv6')
  }
}
