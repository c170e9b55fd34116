import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, isIPv6, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { AdapterError, type Listening, type ListenOptions } from '@parley/adapter'
import { type Lines, type Net, Wire } from './net.ts'

/** Connections of others at one door. */
const CONNECTIONS = 10_000
const NAME = /^DNS:([\w.*-]{1,253})$/

/** A door of our own. @throws AdapterError where it cannot be opened */
export async function listenAt(
  net: Net,
  lines: Lines,
  options: ListenOptions,
  signal: AbortSignal,
): Promise<Listening> {
  const door = options.transport === 'udp' ? await datagrams(options) : await connections(net, lines, options)
  signal.addEventListener('abort', () => void door.close(), { once: true })
  if (signal.aborted) await door.close()
  return door
}

async function connections(net: Net, lines: Lines, options: ListenOptions): Promise<Listening> {
  const { host, port, transport, connected, halfOpen = false } = options
  const taken = (socket: Socket) => {
    socket.on('error', () => {})
    lines.keep(socket)
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
        )
      : createServer({ allowHalfOpen: halfOpen }, taken)
  server.maxConnections = CONNECTIONS
  server.on('tlsClientError', () => {})
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

async function datagrams({ host, port, datagram }: ListenOptions): Promise<Listening> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  await opened(socket.bind(port, host), host, port)
  socket.on('error', () => {})
  socket.on('message', (bytes, from) => datagram?.(bytes, { host: from.address, port: from.port }))
  let isOpen = true
  return {
    port: socket.address().port,
    send: (bytes, to) => {
      if (isOpen) socket.send(bytes, to.port, to.host, () => {})
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
