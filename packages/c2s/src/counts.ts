import type { Server as HttpServer } from 'node:http'
import type { Handshakes } from '@parley/wire'

/** Why a connection was not let in: its address has too many, all have, the server is going down, its proxy named no client. */
type Refusal = 'limit' | 'full' | 'draining' | 'proxy'

/** What one listener counts, for metrics. */
export class DoorCounts {
  accepted = 0
  readonly refused: Record<Refusal, number> = { limit: 0, full: 0, draining: 0, proxy: 0 }
  /** Undefined where there are none. */
  readonly handshakes: Handshakes | undefined

  constructor(handshakes?: Handshakes) {
    this.handshakes = handshakes
  }

  /** Counts a connection that was accepted or turned away. */
  add(isAccepted: boolean, isDraining: boolean): void {
    if (isAccepted) this.accepted++
    else this.refused[isDraining ? 'draining' : 'limit']++
  }

  /** Counts the connections of an HTTP server, which carry requests and, later, streams. */
  watch(server: HttpServer): void {
    server.on('connection', () => this.accepted++)
    server.on('drop', () => this.refused.full++)
    const { handshakes } = this
    if (!handshakes) return
    server.on('secureConnection', () => handshakes.ok++)
    server.on('tlsClientError', () => handshakes.failed++)
  }
}
