import type { AddressInfo, Server } from 'node:net'

/** Connections that may wait to be taken in: all come back at once when a server was away. The system may allow fewer. */
const BACKLOG = 4096

/** A listener can not be opened. The message names the configuration key, the address, and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/**
 * Listens on `address` (`:5222`, `127.0.0.1:5280`, `[::1]:5280`); without a host on IPv4 and IPv6, or on IPv4 alone
 * where the machine has no IPv6.
 *
 * @param key the configuration key, for error texts
 * @returns the address as it is now, with the port that the system chose for port 0
 * @throws ListenError
 */
export async function listenAt(server: Server, key: string, address: string): Promise<string> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  const port = Number(address.slice(colon + 1))
  try {
    if (host !== '') await listen(server, host, port)
    else await listen(server, '::', port).catch(error => withoutIpv6(error, server, port))
  } catch (error) {
    throw new ListenError(`${key}: ${explain(error as NodeJS.ErrnoException, address)}`)
  }
  const bound = server.address() as AddressInfo
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function withoutIpv6(error: NodeJS.ErrnoException, server: Server, port: number): Promise<void> {
  if (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL' && error.code !== 'EINVAL') throw error
  return listen(server, '0.0.0.0', port)
}

function explain({ code, message }: NodeJS.ErrnoException, address: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program listens on ${address} already; stop it, or choose another port`
    case 'EACCES':
      return `this user may not listen on ${address}; choose a port of 1024 or more`
    case 'EADDRNOTAVAIL':
      return `this machine does not have the address of ${address}`
    case 'ENOTFOUND':
      return `the host of ${address} is not known`
    default:
      return `${address} can not be listened on: ${message}`
  }
}
