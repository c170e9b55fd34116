import type { IncomingHttpHeaders } from 'node:http'
import { isIP, isIPv4, SocketAddress } from 'node:net'
import { type Networks, plainAddress } from '@xmpp/server-core'

/** Whose a request is. */
export interface Origin {
  /** The client's IP address. */
  readonly address: string
  /** What a trusted proxy says of the client's own connection; undefined where none says anything. */
  readonly protocol: 'http' | 'https' | undefined
  /** A proxy that is not trusted says that it handed the request on: `address` is then the proxy's. */
  readonly isForwarded: boolean
}

/**
 * Reads `X-Forwarded-For` and `X-Forwarded-Proto` from right to left, as long as those who wrote them are trusted: each
 * proxy adds the address that it got the request from, and what stands left of that anybody may have made up.
 *
 * @param peer the address at the other end of the connection
 */
export function originOf(headers: IncomingHttpHeaders, peer: string, trusted: Networks): Origin {
  if (!trusted.has(peer)) return { address: peer, protocol: undefined, isForwarded: isMarked(headers) }
  const hops = listOf(headers['x-forwarded-for'])
  let address = peer
  let from = hops.length
  while (from > 0 && trusted.has(address)) {
    const hop = addressOf(hops[from - 1]!)
    // What is no address names nobody: then the last one who is known answers for it.
    if (hop === undefined) break
    address = hop
    from--
  }
  return { address, protocol: protocolOf(listOf(headers['x-forwarded-proto']), hops.length - from), isForwarded: false }
}

/** Each of these says that the request was handed on. */
const MARKS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'] as const

function isMarked(headers: IncomingHttpHeaders): boolean {
  return MARKS.some(name => headers[name] !== undefined)
}

/** What the proxy said that the client reached: the first trusted one, `hops` from the right. */
function protocolOf(said: readonly string[], hops: number): Origin['protocol'] {
  // Some proxies replace the header instead of adding to it.
  const protocol = said[Math.max(0, said.length - Math.max(1, hops))]?.toLowerCase()
  return protocol === 'http' || protocol === 'https' ? protocol : undefined
}

function listOf(header: string | readonly string[] | undefined): string[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(',')
  return text === '' ? [] : text.split(',').map(item => item.trim())
}

/** Some proxies add the port: `192.0.2.1:5222`, `[2001:db8::1]:5222`. */
function addressOf(hop: string): string | undefined {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? (/^[\d.]+:\d+$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop)
  if (isIP(bare) === 0 || bare.includes('%')) return
  return isIPv4(bare) ? bare : plainAddress(new SocketAddress({ address: bare, family: 'ipv6' }).address)
}
