import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type Origin, type Upgrade, WEBSOCKET_PATH } from '@parley/http'
import { tlsInfo } from '@parley/wire'
import { Networks, type Server } from '@xmpp/server-core'
import { WebSocketServer } from 'ws'
import type { DoorCounts } from './counts.ts'
import type { Proxies } from './proxy/proxies.ts'
import { WebSocketWire } from './websocket-wire.ts'

const PROTOCOL = 'xmpp'
/** Pieces that one message may come in; each costs memory of its own. */
const FRAGMENTS = 1024

const loopback = new Networks(['127.0.0.0/8', '::1'])

/**
 * Turns HTTP requests for `/ws` into client streams (RFC 7395 §3.1).
 *
 * Any Origin may connect: nothing that a browser adds by itself (cookies, HTTP authentication, client certificates)
 * counts here, every stream authenticates with SASL, so a foreign page gains nothing that its own server would not.
 */
export function websocketUpgrade(
  server: Server,
  proxies: Proxies,
  counts: ReadonlyMap<string, DoorCounts>,
): { readonly upgrade: Upgrade; close(): void } {
  const { stanzaBytes } = server.config.limits
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: stanzaBytes,
    maxFragments: FRAGMENTS,
    maxBufferedChunks: FRAGMENTS,
    // The strict parser reads the bytes, and checks their UTF-8 itself.
    skipUTF8Validation: true,
    handleProtocols: () => PROTOCOL,
  })
  return {
    upgrade(request, socket, head, origin) {
      socket.on('error', () => {})
      const refusal = refuse(request)
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      sockets.handleUpgrade(request, socket, head, websocket => {
        const raw = socket as Socket
        const crashed = (error: unknown) => server.log.error('a connection could not be read', { error })
        const protectedBy = protection(socket, origin, proxies.clientOf(raw))
        const options = { clock: server.clock, crashed, remote: origin.address, ...protectedBy }
        // As a connection it is counted already.
        const stream = server.accept(new WebSocketWire(websocket, raw, options))
        const door = raw instanceof TLSSocket ? 'https' : 'http'
        if (!stream) counts.get(door)?.add(false, server.draining)
      })
    },
    close: () => sockets.close(),
  }
}

function refuse({ url = '', headers }: IncomingMessage): string | undefined {
  const mark = url.indexOf('?')
  if ((mark < 0 ? url : url.slice(0, mark)) !== WEBSOCKET_PATH) return '404 Not Found'
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim())
  return offered.includes(PROTOCOL) ? undefined : '400 Bad Request'
}

/**
 * What protects the client's connection. Where a proxy stands between, our TLS is not the client's, and only the proxy
 * knows. Plain HTTP counts as protected from this machine itself: there a proxy has ended the TLS that says nothing.
 */
function protection(socket: Duplex, { address, protocol }: Origin, peer: string) {
  if (protocol !== undefined || address !== peer) return { tls: undefined, secure: protocol === 'https' }
  if (socket instanceof TLSSocket) return { tls: tlsInfo(socket, false), secure: true }
  return { tls: undefined, secure: loopback.has(address) }
}
