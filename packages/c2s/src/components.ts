import type { Socket } from 'node:net'
import { NS, StanzaError } from '@parley/stanza'
import { networkOf, type Server } from '@xmpp/server-core'
import { type ComponentDirectory, ComponentStream } from './component.ts'
import type { Stalls } from './stalls.ts'
import { TcpWire } from './tcp-wire.ts'

/** From the connection to the handshake. */
const NEGOTIATION = 60_000

/** The configured components: who of them is connected, and the way to each. */
export class Components implements ComponentDirectory {
  readonly #server: Server
  readonly #stalls: Stalls
  readonly #streams = new Map<ComponentStream, () => void>()
  readonly #connected = new Map<string, ComponentStream>()

  constructor(server: Server, stalls: Stalls) {
    this.#server = server
    this.#stalls = stalls
    for (const domain of Object.keys(server.config.components)) {
      server.router.components.set(domain, stanza => {
        const component = this.#connected.get(domain)
        // RFC 6120 §8.3.3.16: the service is known, and can not be reached now.
        if (!component) throw new StanzaError('remote-server-timeout', 'The service is not connected', { type: 'wait' })
        component.deliver(stanza)
      })
    }
  }

  /** Connections, whether they have shown their secret or not. */
  get size(): number {
    return this.#streams.size
  }

  /** False: its address has too many, or the server is going down. */
  accept(socket: Socket): boolean {
    const { clock, connections, draining, log } = this.#server
    const crashed = (error: unknown) => log.error('a connection could not be read', { error })
    const wire = new TcpWire(socket, { clock, stalls: this.#stalls, crashed, content: NS.component })
    if (draining || !connections.take(networkOf(wire.remote))) {
      wire.destroy()
      return false
    }
    const stream = new ComponentStream(this.#server, this, wire)
    const stop = clock.after(NEGOTIATION, () => {
      if (!stream.ready) stream.fail('connection-timeout', 'No handshake within a minute')
    })
    this.#streams.set(stream, stop)
    return true
  }

  secret(domain: string): string | undefined {
    const { components } = this.#server.config
    return Object.hasOwn(components, domain) ? components[domain]?.secret : undefined
  }

  connect(domain: string, component: ComponentStream): boolean {
    if (this.#connected.has(domain)) return false
    this.#connected.set(domain, component)
    this.#server.log.info('component connected', { component: domain })
    return true
  }

  disconnected(component: ComponentStream): void {
    this.#streams.get(component)?.()
    this.#streams.delete(component)
    const { domain } = component
    if (domain === undefined || this.#connected.get(domain) !== component) return
    this.#connected.delete(domain)
    this.#server.log.info('component gone', { component: domain })
  }

  close(): void {
    for (const stream of this.#streams.keys()) stream.fail('system-shutdown', 'The server is going down')
    for (const domain of Object.keys(this.#server.config.components)) this.#server.router.components.delete(domain)
  }
}
