import type { IncomingMessage } from 'node:http'
import { BlockList, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type Upgrade, WEBSOCKET_PATH } from '@parley/http'
import type { Server } from '@xmpp/server-core'
import { WebSocketServer } from 'ws'
import { tlsInfo } from './bindings.ts'
import { WebSocketWire } from './websocket-wire.ts'

const PROTOCOL = 'xmpp'
/** Pieces that one message may come in; each costs memory of its own. */
const FRAGMENTS = 1024

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/**
 * Turns HTTP requests for `/ws` into client streams (RFC 7395 §3.1).
 *
 * Any Origin may connect: nothing that a browser adds by itself (cookies, HTTP authentication, client certificates)
 * counts here, every stream authenticates with SASL, so a foreign page gains nothing that its own server would not.
 */
export function websocketUpgrade(server: Server): { readonly upgrade: Upgrade; close(): void } {
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
    upgrade(request, socket, head) {
      socket.on('error', () => {})
      const refusal = refuse(request)
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      sockets.handleUpgrade(request, socket, head, websocket => {
        const raw = socket as Socket
        const crashed = (error: unknown) => server.log.error('a connection could not be read', { error })
        server.accept(new WebSocketWire(websocket, raw, { clock: server.clock, crashed, ...protection(socket) }))
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

/** Plain HTTP counts as protected from this machine itself: there a proxy has ended the TLS. */
function protection(socket: Duplex) {
  if (socket instanceof TLSSocket) return { tls: tlsInfo(socket, false), secure: true }
  const address = (socket as Socket).remoteAddress ?? ''
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return { tls: undefined, secure: loopback.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4') }
}
