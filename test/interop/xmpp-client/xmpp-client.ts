import { join } from 'node:path'
import { root } from '../../services/process.ts'
import { Child } from '../child.ts'
import { eventually } from '../eventually.ts'
import { DOMAIN, password, type Stage } from '../stage.ts'

/** One thing that happened in the client; `xml` of what was sent or received. */
export interface Happening {
  readonly event:
    | 'status'
    | 'online'
    | 'error'
    | 'received'
    | 'sent'
    | 'resumed'
    | 'acknowledged'
    | 'answered'
    | 'refused'
  readonly status?: string
  readonly address?: string
  readonly text?: string
  readonly xml?: string
}

/** `@xmpp/client` as a process; it verifies the server's certificate over each transport. */
export class XmppClient {
  readonly #child: Child

  constructor(stage: Stage, username: string, service = `xmpp://${DOMAIN}:${stage.ports.client}`) {
    const options = { service, domain: DOMAIN, username, password: password(username), resource: 'node' }
    this.#child = new Child(
      process.execPath,
      [
        '--experimental-websocket',
        '--disable-warning=ExperimentalWarning',
        join(root, 'test/interop/xmpp-client/driver.mjs'),
        JSON.stringify(options),
      ],
      { env: { NODE_EXTRA_CA_CERTS: stage.certificate } },
    )
  }

  /** All that has happened so far. */
  get happenings(): readonly Happening[] {
    return this.#child.lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Happening)
  }

  /** How many happenings there were: a mark to look for later ones. */
  get now(): number {
    return this.happenings.length
  }

  /** Waits for a happening of a kind whose text or XML has all the parts. */
  async sees(event: Happening['event'], parts: readonly string[] = [], since = 0): Promise<Happening> {
    const fits = (happening: Happening) => {
      const text = happening.xml ?? happening.status ?? happening.address ?? happening.text ?? ''
      return happening.event === event && parts.every(part => text.includes(part))
    }
    return eventually(`${event} ${parts.join(' … ')}`, () => this.happenings.slice(since).find(fits), {
      seen: () => this.#child.output,
    })
  }

  /** Logs in and waits until it has its address. */
  async start(): Promise<string> {
    const since = this.now
    this.begin()
    return (await this.sees('online', [], since)).address!
  }

  /** Begins to log in. */
  begin(): void {
    this.#command({ do: 'start' })
  }

  send(xml: string): void {
    this.#command({ do: 'send', xml })
  }

  /** Sends an IQ and gives the whole answer. */
  async ask(xml: string): Promise<string> {
    const since = this.now
    this.#command({ do: 'ask', xml })
    return (await this.sees('answered', [], since)).xml!
  }

  /** Logs out in order. */
  async stop(): Promise<void> {
    const since = this.now
    this.#command({ do: 'stop' })
    await this.sees('status', ['offline'], since)
  }

  async end(): Promise<void> {
    await this.#child.end()
  }

  #command(command: Readonly<Record<string, string>>): void {
    this.#child.write(JSON.stringify(command))
  }
}
