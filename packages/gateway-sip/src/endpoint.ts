import type { Context } from '@parley/adapter'
import type { Ours } from './addresses.ts'
import type { SipSettings } from './settings.ts'
import { Agent, type Answer, type Call } from './wire/agent.ts'
import type { Way } from './wire/dialog.ts'
import { formatAddress } from './wire/fields.ts'
import { hopOf, type Transport, Ways } from './wire/hop.ts'
import { token } from './wire/token.ts'
import { ClientTransactions } from './wire/transactions.ts'
import { Transports } from './wire/transports.ts'
import { TrustCheck } from './wire/trust.ts'
import { escapeUser, parseUri } from './wire/uri.ts'

/** All of SIP beneath messages and presence, put together as the operator has set it. */
export class Endpoint {
  readonly agent: Agent
  readonly ways: Ways
  readonly way: Way
  /** Under which others reach us. */
  readonly address: string
  readonly #context: Context<SipSettings>
  readonly #domain: string
  readonly #transports: Transports

  constructor(context: Context<SipSettings>, domain: string, serve: (call: Call) => void) {
    this.#context = context
    this.#domain = domain
    const { settings, clock, log } = context
    const { username, password, peerUsername, peerPassword, listen } = settings
    this.address = (settings.address || (WILDCARDS.has(listen) ? domain : listen)).toLowerCase()
    this.ways = new Ways(settings.transport, settings.proxy, settings.routes)
    this.way = (target, within) => (within ? hopOf(within.route ?? target, settings.transport) : this.ways.to(target))
    this.#transports = new Transports(context as unknown as Context, settings.trustAnything, (message, source) =>
      this.agent.hear(message, source),
    )
    const client = new ClientTransactions(this.#transports, clock, hop => ({
      host: this.address,
      port: this.#transports.port(hop.transport) ?? 0,
    }))
    const rules = {
      trusted: [...settings.trusted.split(','), ...this.ways.named.map(hop => hop.host)],
      certified: settings.certified,
      peer: peerPassword === '' ? undefined : { username: peerUsername, password: peerPassword },
      realm: domain,
    }
    const trust = new TrustCheck(rules, () => clock.now())
    const credentials = password === '' ? undefined : { username, password }
    this.agent = new Agent({ clock, log, client, trust, credentials, serve })
  }

  start(): Promise<void> {
    const { listen: host, udp, tcp, tls } = this.#context.settings
    return this.#transports.start({ host, udp, tcp, tls })
  }

  async stop(): Promise<void> {
    this.agent.stop()
    await this.#transports.stop()
  }

  /** Our own address, at a door that is open. */
  uri(user: string | undefined): string {
    const { transport } = this.#context.settings
    const door = ([transport, 'tls', 'tcp', 'udp'] as Transport[]).find(one => this.#transports.port(one) !== undefined)
    const place = door === undefined ? this.address : `${this.address}:${this.#transports.port(door)};transport=${door}`
    return `sip:${user === undefined ? '' : `${escapeUser(user)}@`}${place}`
  }

  contact(user: string, ours: Ours): string {
    return this.uri(parseUri(ours.uri(user))?.user)
  }

  /** Undefined where there is nobody to ask. */
  async options(): Promise<Answer | undefined> {
    const hop = this.ways.proxy
    if (!hop) return undefined
    const target = `sip:${hop.host}:${hop.port}`
    let sequence = 1
    return this.agent.ask({
      ...{ method: 'OPTIONS', target, hop, to: formatAddress(target), callId: token(16), next: () => sequence++ },
      from: formatAddress(`sip:${this.#domain}`, new Map([['tag', token(8)]])),
    })
  }
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', ''])
