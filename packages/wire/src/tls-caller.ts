import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { domainToASCII } from 'node:url'
import type { ShownCertificates } from '@xmpp/server-core'
import { shownBy } from './bindings.ts'
import type { Certificates } from './certificates.ts'
import type { TlsSide } from './tcp-wire.ts'

export interface Call {
  /** Whose certificate we show. */
  readonly local: string
  /** The domain that we want: the name that we ask for (RFC 6066 §3, XEP-0368 §3). */
  readonly remote: string
  /** TLS comes first, and says so (RFC 7301). */
  readonly direct: boolean
  /** Hears why a handshake failed; the connection is closed then. */
  readonly failed: (error: Error) => void
}

/** The side of whoever has connected: to another server. Whether its certificate is good is judged afterwards. */
export class TlsCaller implements TlsSide {
  readonly clients = false
  readonly single = undefined
  readonly #certificates: Certificates
  readonly #call: Call

  constructor(certificates: Certificates, call: Call) {
    this.#certificates = certificates
    this.#call = call
  }

  shown(socket: TLSSocket): ShownCertificates {
    return shownBy(socket)
  }

  handshake(raw: Socket, _domain: string | undefined, done: (socket: TLSSocket) => void): void {
    const { local, remote, direct, failed } = this.#call
    const servername = domainToASCII(remote)
    const socket = connect({
      socket: raw,
      secureContext: this.#certificates.peerContext(local),
      rejectUnauthorized: false,
      // Names are judged with everything else, and by other rules: never a common name, and XMPP's own kinds too.
      checkServerIdentity: () => undefined,
      ...(servername === '' || /^[\d.]+$|:/.test(servername) ? {} : { servername }),
      ...(direct ? { ALPNProtocols: ['xmpp-server'] } : {}),
    })
    const broken = (error: Error) => {
      failed(error)
      raw.destroy()
    }
    socket.once('error', broken)
    socket.once('secureConnect', () => {
      socket.removeListener('error', broken)
      done(socket)
    })
  }
}
