import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, isIPv6, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { AdapterError, type Listening, type ListenOptions } from '@parley/adapter'
import { type Lines, type Net, Wire } from './net.ts'

/** Connections of others at one door. */
const CONNECTIONS = 10_000
/** Addresses that have written to a door of datagrams, and may be answered. */
const HEARD = 10_000
const NAME = /^DNS:([\w.*-]{1,253})$/

/** A door of our own. @throws AdapterError where it cannot be opened */
export async function listenAt(
  net: Net,
  lines: Lines,
  options: ListenOptions,
  signal: AbortSignal,
): Promise<Listening> {
  const door =
    options.transport === 'udp' ? await datagrams(net, options, signal) : await connections(net, lines, options)
  const close = () => {
    signal.removeEventListener('abort', close)
    return door.close()
  }
  signal.addEventListener('abort', close)
  if (signal.aborted) await close()
  return { ...door, close }
}

async function connections(net: Net, lines: Lines, options: ListenOptions): Promise<Listening> {
  const { host, port, transport, connected, halfOpen = false } = options
  const taken = (socket: Socket) => {
    socket.on('error', () => {})
    lines.keep(socket)
    // Who was let in by TLS when the session had ended already comes to nobody.
    if (!socket.destroyed)
      connected?.(new Wire(net, socket, socket.remoteAddress ?? '', undefined, provenNames(socket)))
  }
  const { certificate } = net.policy
  if (transport === 'tls' && !certificate) throw new AdapterError('denied', 'There is no certificate for that door')
  const server =
    transport === 'tls'
      ? createTlsServer(
          // Who shows no certificate, or none that holds, gets in without a name: it is for the adapter to ask for one.
          {
            ...{ ...certificate, minVersion: 'TLSv1.2', handshakeTimeout: 15_000, allowHalfOpen: halfOpen },
            ...{ requestCert: true, rejectUnauthorized: false, ...(net.authorities && { ca: [...net.authorities] }) },
          },
          taken as (s: TLSSocket) => void,
          // Also who takes too long for the handshake: that alone does not end it.
        ).on('tlsClientError', (_error, socket) => socket.destroy())
      : createServer({ allowHalfOpen: halfOpen }, taken)
  server.maxConnections = CONNECTIONS
  await opened(server.listen({ host, port }), host, port)
  server.on('error', () => {})
  return {
    port: (server.address() as AddressInfo).port,
    send: () => {
      throw new AdapterError('unsupported', 'Only a door for datagrams sends by itself')
    },
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** The names of who has shown a certificate that holds. */
function provenNames(socket: Socket | TLSSocket): readonly string[] | undefined {
  if (!('authorized' in socket) || !socket.authorized) return undefined
  const { subjectaltname = '' } = socket.getPeerCertificate()
  // A name that is quoted has commas in it, and could have names of others between them.
  const names = subjectaltname.includes('"') ? [] : subjectaltname.split(', ')
  return names.flatMap(name => NAME.exec(name)?.slice(1) ?? [])
}

async function datagrams(net: Net, { host, port, datagram }: ListenOptions, signal: AbortSignal): Promise<Listening> {
  const heard = new Set<string>()
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  await opened(socket.bind(port, host), host, port)
  socket.on('error', () => {})
  socket.on('message', (bytes, from) => {
    if (!heard.has(from.address) && heard.size >= HEARD) heard.delete(heard.values().next().value!)
    heard.add(from.address)
    datagram?.(bytes, { host: from.address, port: from.port })
  })
  let isOpen = true
  const go = (bytes: Uint8Array, port: number, address: string | undefined) => {
    if (isOpen && address !== undefined) socket.send(bytes, port, address, () => {})
  }
  return {
    port: socket.address().port,
    send: (bytes, to) => {
      const reached = net.reach(to.host, to.port, heard.has(to.host), signal)
      if (reached instanceof Promise) void reached.then(address => go(bytes, to.port, address))
      else go(bytes, to.port, reached)
    },
    close: () =>
      new Promise(resolve => {
        if (!isOpen) return resolve()
        isOpen = false
        socket.close(() => resolve())
      }),
  }
}

async function opened(door: NodeJS.EventEmitter, host: string, port: number): Promise<void> {
  try {
    await once(door, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new AdapterError('denied', `The door ${host}:${port} cannot be opened (${code})`)
  }
}
