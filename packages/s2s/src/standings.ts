import type { Clock } from '@xmpp/server-core'

/** What one process knows of a partner: how fast it is, whom it addresses, how many streams it has. */
export interface Standing {
  readonly partner: string
  /** Stanzas that it may still send at once; less than none where several streams wait. */
  tokens: number
  refilled: number
  /** Strangers here whom it has addressed, by when it did last (ms); the one longest ago comes first. */
  readonly contacts: Map<string, number>
  streams: number
  /** Since the last report. */
  readonly hits: Record<Limit, number>
  /** Stanzas since the partner is known. */
  readonly stanzas: { in: number; out: number }
  readonly repute: Repute
}

/** What came of a partner's stanzas lately: what is a day old counts half, two days a quarter. */
export interface Repute {
  accepted: number
  refused: number
  reported: number
  at: number
}

/** What is bounded: stanzas a second, strangers in a day, streams at once. */
export type Limit = 'rate' | 'contacts' | 'streams'
export const LIMITS: readonly Limit[] = ['rate', 'contacts', 'streams']

/** Partners that are remembered, and addresses in all of them together; those longest without a new stream are forgotten first. */
const PARTNERS = 10_000
const CONTACTS = 500_000
const MINUTE = 60_000
const DAY = 86_400_000
/** A report says as much as so many refused stanzas; with fewer than so many nobody is suspect. */
const REPORT = 10
const ACCIDENT = 30

/** Standings of partners, in bounded memory. */
export class Standings {
  readonly #clock: Clock
  readonly #most: { readonly partners: number; readonly contacts: number }
  readonly #standings = new Map<string, Standing>()
  /** How often anybody came to a limit. */
  readonly hits: Record<Limit, number> = { rate: 0, contacts: 0, streams: 0 }
  #contacts = 0

  constructor(clock: Clock, most = { partners: PARTNERS, contacts: CONTACTS }) {
    this.#clock = clock
    this.#most = most
  }

  get all(): Iterable<Standing> {
    return this.#standings.values()
  }

  get size(): number {
    return this.#standings.size
  }

  of(partner: string): Standing {
    const known = this.#standings.get(partner)
    if (known) return known
    if (this.#standings.size >= this.#most.partners) this.#forgetOne()
    const fresh: Standing = {
      partner,
      tokens: Number.POSITIVE_INFINITY,
      refilled: this.#clock.monotonic(),
      contacts: new Map(),
      streams: 0,
      hits: { rate: 0, contacts: 0, streams: 0 },
      stanzas: { in: 0, out: 0 },
      repute: { accepted: 0, refused: 0, reported: 0, at: this.#clock.monotonic() },
    }
    this.#standings.set(partner, fresh)
    return fresh
  }

  /** A stream of the partner has begun: it is forgotten later than those that have none. */
  began(partner: string): void {
    const standing = this.of(partner)
    standing.streams++
    this.#standings.delete(partner)
    this.#standings.set(partner, standing)
  }

  ended(partner: string): void {
    const standing = this.#standings.get(partner)
    if (standing && standing.streams > 0) standing.streams--
  }

  hit({ hits }: Standing, limit: Limit): void {
    hits[limit]++
    this.hits[limit]++
  }

  /** Counts one more of what became of its stanzas. */
  judge({ repute }: Standing, what: 'accepted' | 'refused' | 'reported'): void {
    this.#age(repute)
    repute[what]++
  }

  /** Whether too much of what a partner sends is not wanted: more than one in twenty, and not by accident. */
  isSuspect({ repute }: Standing): boolean {
    this.#age(repute)
    const bad = repute.refused + REPORT * repute.reported
    return bad >= ACCIDENT && bad > repute.accepted / 20
  }

  #age(repute: Repute): void {
    const now = this.#clock.monotonic()
    // Not for each stanza: a minute is nothing to a day.
    if (now - repute.at < MINUTE) return
    const left = 0.5 ** ((now - repute.at) / DAY)
    repute.accepted *= left
    repute.refused *= left
    repute.reported *= left
    repute.at = now
  }

  /** Takes one stanza at `rate` a second. Gives how long the partner must wait before its next one (ms). */
  take(standing: Standing, rate: number, burst: number): number {
    if (rate === 0) return 0
    const now = this.#clock.monotonic()
    const most = Math.max(1, rate * burst)
    standing.tokens = Math.min(most, standing.tokens + ((now - standing.refilled) * rate) / 1000) - 1
    standing.refilled = now
    if (standing.tokens >= 0) return 0
    this.hit(standing, 'rate')
    return (-standing.tokens * 1000) / rate
  }

  /** Whether a partner has addressed somebody in the last day; where it has, the day begins again. */
  hasAddressed({ contacts }: Standing, address: string): boolean {
    const now = this.#clock.monotonic()
    const last = contacts.get(address)
    if (last === undefined || last + DAY <= now) return false
    contacts.delete(address)
    contacts.set(address, now)
    return true
  }

  /** Counts one more address. False: those of the last day are too many already. */
  address(standing: Standing, address: string, most: number): boolean {
    const { contacts } = standing
    const now = this.#clock.monotonic()
    const before = contacts.size
    for (const [old, last] of contacts) {
      if (last + DAY > now) break
      contacts.delete(old)
    }
    const fits = contacts.size < most
    if (fits) contacts.set(address, now)
    else this.hit(standing, 'contacts')
    this.#contacts += contacts.size - before
    if (this.#contacts > this.#most.contacts) this.#forgetContacts(standing)
    return fits
  }

  /** One without streams, or else the one whose last stream began longest ago: its count begins again. */
  #forgetOne(): void {
    let oldest: Standing | undefined
    for (const standing of this.#standings.values()) {
      oldest ??= standing
      if (standing.streams > 0) continue
      oldest = standing
      break
    }
    if (!oldest) return
    this.#contacts -= oldest.contacts.size
    this.#standings.delete(oldest.partner)
  }

  #forgetContacts(but: Standing): void {
    for (const standing of this.#standings.values()) {
      if (standing === but || standing.contacts.size === 0) continue
      this.#contacts -= standing.contacts.size
      standing.contacts.clear()
      return
    }
  }
}
