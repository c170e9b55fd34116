import { Jid } from '@parley/jid'
import type { Stanza } from '@parley/stanza'
import type { Awaitable } from './awaitable.ts'
import type { Host } from './host.ts'
import { IqRoutes } from './iq.ts'
import type { Transit } from './transit.ts'

/**
 * What a service does with a stanza that none of its IQ routes answers; first stage, see {@link Transit}. Throws a
 * StanzaError to refuse.
 */
export type Receive = (stanza: Stanza, to: Jid, transit: Transit) => Awaitable<void>

/** A domain under a host that a module answers for, such as `conference.example.org`. */
export class Service {
  readonly domain: string
  readonly jid: Jid
  readonly host: Host
  /** Shown where the host lists what it has (XEP-0030 §4). */
  readonly title: string
  /** Requests to the service itself (`host`), and to a bare JID at it (`account`). */
  readonly iq = new IqRoutes()
  readonly receive: Receive
  /** Sees every stanza first; true: another node does what is to be done. */
  elsewhere: ((stanza: Stanza, to: Jid, transit: Transit) => Awaitable<boolean>) | undefined

  constructor(host: Host, prefix: string, title: string, receive: Receive) {
    this.domain = `${prefix}.${host.domain}`
    this.jid = Jid.parse(this.domain)
    this.host = host
    this.title = title
    this.receive = receive
  }
}
