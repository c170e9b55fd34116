import type { Jid } from '@parley/jid'
import { type Stanza, StanzaError } from '@parley/stanza'
import { type Awaitable, chain, decide, on, reported, type Server } from '@xmpp/server-core'
import type { Blocklists } from './blocklists.ts'
import type { IncomingStream } from './incoming.ts'
import { withoutNotes } from './notes.ts'
import type { Partners } from './partners.ts'
import { mayGo } from './profile.ts'
import { LIMITS, type Standing, Standings } from './standings.ts'

/** How often domains that came to a limit are told of in the log (ms). */
const REPORT = 3_600_000
/** A domain without a record whose stanzas are often not wanted is so many times slower. */
const SLOWER = 10
/** What nodes tell each other when somebody has been reported. */
const REPORTED = 'reported-domain'

type Refusal = 'record' | 'permission' | 'contacts' | 'streams' | 'blocklist'

/** What may cross between our domains and others, how much of it, and how fast. */
export class Border {
  readonly standings: Standings
  readonly blocklists: Blocklists
  /** Stanzas, and streams beyond their number, that were turned away: by a record, by what accounts may do, by limits, by lists. */
  readonly refused: Record<Refusal, number> = { record: 0, permission: 0, contacts: 0, streams: 0, blocklist: 0 }
  readonly #server: Server
  readonly #partners: Partners
  /** Under whose name each stream counts. */
  readonly #streams = new Map<IncomingStream, Set<string>>()
  readonly #stop: () => void

  constructor(server: Server, partners: Partners, blocklists: Blocklists) {
    this.#server = server
    this.blocklists = blocklists
    this.#partners = partners
    this.standings = new Standings(server.clock)
    this.#stop = server.clock.every(REPORT, () => this.#report())
    for (const { hooks } of server.hosts)
      hooks.add(
        'federation',
        on(reported, 'observe', ({ other }) => {
          this.#reported(other.domain)
          server.live.tell(REPORTED, other.domain)
        }),
      )
    server.hear(REPORTED, domain => this.#reported(domain))
    server.router.leave = stanza => this.#leave(stanza)
    server.router.strangers = domain => (server.router.has(domain) ? 'welcome' : partners.profile(domain).strangers)
  }

  close(): void {
    this.#stop()
    this.blocklists.close()
    this.#server.router.strangers = () => 'welcome'
    this.#server.router.leave = stanza => stanza
  }

  // ── out ──

  /** What of a stanza may leave; undefined: nothing, and nobody need hear of it. @throws StanzaError */
  #leave(stanza: Stanza): Awaitable<Stanza | undefined> {
    const { from, to } = stanza
    if (!from || !to) throw new StanzaError('bad-request', 'A stanza for another domain needs both addresses')
    const profile = this.#partners.profile(to.domain)
    if (!mayGo(profile)) {
      this.refused.record++
      throw new StanzaError('not-allowed', `${to.domain} is not federated with`)
    }
    const host = from.local === '' ? undefined : this.#server.router.hosts.get(from.domain)
    const event = { stanza, account: from.bare }
    const may = host === undefined || decide(host.leaving, event)
    return chain(may, goOn => {
      if (!goOn) {
        this.refused.permission++
        return undefined
      }
      const standing = this.standings.of(profile.partner)
      standing.stanzas.out++
      // What comes back as an error was for nobody, or for nobody who wants it.
      if (stanza.name === 'message' && stanza.type === 'error') this.standings.judge(standing, 'refused')
      return profile.type === 'federated' ? event.stanza : withoutNotes(event.stanza)
    })
  }

  // ── in ──

  /** A stream has been proven to be a domain's. False: the partner has too many of them. */
  began(stream: IncomingStream, domain: string): boolean {
    const { partner, streams } = this.#partners.profile(domain)
    const own = this.#streams.get(stream) ?? new Set<string>()
    if (own.has(partner)) return true
    const standing = this.standings.of(partner)
    if (standing.streams >= streams) {
      this.standings.hit(standing, 'streams')
      this.refused.streams++
      return false
    }
    this.standings.began(partner)
    this.#streams.set(stream, own.add(partner))
    return true
  }

  ended(stream: IncomingStream): void {
    for (const partner of this.#streams.get(stream) ?? []) {
      this.standings.ended(partner)
      if (this.#partners.profile(partner).monitor)
        this.#server.log.info('a stream of a monitored domain has ended', {
          domain: partner,
          ...this.standings.of(partner).stanzas,
        })
    }
    this.#streams.delete(stream)
  }

  /** Whether a stanza may come in; the sender hears why not. @throws StanzaError, or rejects with one */
  enter(sender: Jid, target: Jid, type: string | undefined): Awaitable<void> {
    // Answers go where somebody has asked.
    if (type === 'error' || type === 'result') return
    return chain(this.#checkListed(sender, target), () => this.#checkContacts(sender, target))
  }

  /** Contacts, and who is asked for, are heard whatever a list says. */
  #checkListed(sender: Jid, target: Jid): Awaitable<void> {
    const list = this.blocklists.listed(sender)
    if (list === undefined) return
    const host = target.local === '' ? undefined : this.#server.router.hosts.get(target.domain)
    return chain(host?.knows(target.bare, sender.bare) ?? false, known => {
      if (known) return
      this.refused.blocklist++
      throw new StanzaError('policy-violation', `You are on the block list ${list}`, { type: 'cancel' })
    })
  }

  #checkContacts(sender: Jid, target: Jid): Awaitable<void> {
    const { contacts } = this.#server.config.federation.limits
    const profile = this.#partners.profile(sender.domain)
    if (profile.state !== 'discovered' || contacts === 0 || target.local === '') return
    const host = this.#server.router.hosts.get(target.domain)
    if (!host) return
    const account = target.bare
    const standing = this.standings.of(profile.partner)
    if (this.standings.hasAddressed(standing, account.text)) return
    return chain(host.knows(account, sender.bare), known => {
      if (known || this.standings.address(standing, account.text, contacts)) return
      this.refused.contacts++
      throw new StanzaError('policy-violation', `${sender.domain} has addressed too many people here in one day`, {
        type: 'wait',
      })
    })
  }

  /** How long the streams of a domain must not be read after a stanza; undefined: they may go on. */
  pace(domain: string): Promise<void> | undefined {
    const { discovered, allowed, burst } = this.#server.config.federation.limits
    const { partner, state } = this.#partners.profile(domain)
    const standing = this.standings.of(partner)
    standing.stanzas.in++
    this.standings.judge(standing, 'accepted')
    const rate = state === 'allowed' ? allowed : this.standings.isSuspect(standing) ? discovered / SLOWER : discovered
    const pause = this.standings.take(standing, rate, burst)
    if (pause === 0) return undefined
    return new Promise(resolve => this.#server.clock.after(pause, resolve))
  }

  /** What became of the stanzas of a domain lately, in a line for operators. */
  repute(domain: string): string {
    const { state, partner } = this.#partners.profile(domain)
    const standing = this.standings.of(partner)
    const isSlowed = state === 'discovered' && this.standings.isSuspect(standing)
    const { accepted, refused, reported } = standing.repute
    const counts = `${Math.round(accepted)} stanzas, ${Math.round(refused)} refused, ${Math.round(reported)} reports`
    return `lately: ${counts}${isSlowed ? '; slowed down' : ''}`
  }

  #reported(domain: string): void {
    if (this.#server.router.has(domain)) return
    this.standings.judge(this.standings.of(this.#partners.profile(domain).partner), 'reported')
  }

  /** Partners whose stanzas are counted by themselves. */
  *monitored(): Iterable<Standing> {
    for (const [domain, { monitor }] of this.#partners.records) if (monitor) yield this.standings.of(domain)
  }

  /** One line for each domain that came to a limit since the last one, and for each that is monitored. */
  #report(): void {
    for (const { partner, stanzas, streams } of this.monitored())
      this.#server.log.info('stanzas of a monitored domain so far', { domain: partner, ...stanzas, streams })
    for (const { partner, hits } of this.standings.all) {
      if (LIMITS.every(limit => hits[limit] === 0)) continue
      this.#server.log.info('another domain came to its limits in the last hour', { domain: partner, ...hits })
      for (const limit of LIMITS) hits[limit] = 0
    }
  }
}
