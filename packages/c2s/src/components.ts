import type { Socket } from 'node:net'
import { NS, parseStanza, type Stanza, StanzaError } from '@parley/stanza'
import { type Stalls, TcpWire } from '@parley/wire'
import { networkOf, type Server, Transit } from '@xmpp/server-core'
import { type ComponentDirectory, ComponentStream } from './component.ts'

/** From the connection to the handshake. */
const NEGOTIATION = 60_000

/** What nodes tell each other about components: `up`, `down` or `stanza`, domain, stanza; `who` is connected anywhere? */
const TOPIC = 'component'

/** The configured components: who of them is connected, here or to another node, and the way to each. */
export class Components implements ComponentDirectory {
  readonly #server: Server
  readonly #stalls: Stalls
  readonly #streams = new Map<ComponentStream, () => void>()
  readonly #connected = new Map<string, ComponentStream>()
  /** Nodes that have a component which is not connected here. */
  readonly #elsewhere = new Map<string, string>()

  constructor(server: Server, stalls: Stalls) {
    this.#server = server
    this.#stalls = stalls
    for (const domain of Object.keys(server.config.components)) {
      server.router.components.set(domain, stanza => {
        const component = this.#connected.get(domain)
        if (component) return component.deliver(stanza)
        return this.#passOn(domain, stanza)
      })
    }
    server.hear(TOPIC, (text, from) => this.#heard(text, from))
    server.live.tell(TOPIC, 'who')
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
    this.#elsewhere.delete(domain)
    this.#server.live.tell(TOPIC, `up\n${domain}`)
    this.#server.log.info('component connected', { component: domain })
    return true
  }

  disconnected(component: ComponentStream): void {
    this.#streams.get(component)?.()
    this.#streams.delete(component)
    const { domain } = component
    if (domain === undefined || this.#connected.get(domain) !== component) return
    this.#connected.delete(domain)
    this.#server.live.tell(TOPIC, `down\n${domain}`)
    this.#server.log.info('component gone', { component: domain })
  }

  async #passOn(domain: string, stanza: Stanza): Promise<void> {
    const node = this.#elsewhere.get(domain)
    const there =
      node !== undefined && (await this.#server.live.post(node, TOPIC, `stanza\n${domain}\n${stanza.toXml()}`))
    if (there) return
    this.#elsewhere.delete(domain)
    // RFC 6120 §8.3.3.16: the service is known, and can not be reached now.
    throw new StanzaError('remote-server-timeout', 'The service is not connected', { type: 'wait' })
  }

  #heard(text: string, from: string): void {
    const [what, domain = '', ...rest] = text.split('\n')
    const here = this.#connected.get(domain)
    if (what === 'up') {
      // Who connects last is who is alive: the other connection may be one that nobody noticed to be gone.
      here?.fail('conflict', 'The component has connected to another node')
      this.#elsewhere.set(domain, from)
    } else if (what === 'down') {
      if (this.#elsewhere.get(domain) === from) this.#elsewhere.delete(domain)
    } else if (what === 'who') {
      for (const known of this.#connected.keys()) void this.#server.live.post(from, TOPIC, `up\n${known}`)
    } else if (here) this.#deliver(here, parseStanza(rest.join('\n')))
  }

  #deliver(component: ComponentStream, stanza: Stanza): void {
    try {
      component.deliver(stanza)
    } catch (error) {
      void this.#server.router.bounce(stanza, error, new Transit())
    }
  }

  close(): void {
    for (const stream of this.#streams.keys()) stream.fail('system-shutdown', 'The server is going down')
    for (const domain of Object.keys(this.#server.config.components)) this.#server.router.components.delete(domain)
  }
}
