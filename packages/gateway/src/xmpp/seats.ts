import { Jid } from '@parley/jid'
import { ToldCache } from '@parley/modules'
import type { OwnedMap } from '@parley/store'
import { type Awaitable, type Clock, chain, type Server } from '@xmpp/server-core'
import { daysUntil } from './providers.ts'

/** What nodes tell each other when the seats of an account have changed. */
const TOPIC = 'seats'
const CACHED = 20_000

/** A right to use a network. Also kept as such. */
export interface Seat {
  /** Since when: milliseconds since 1970. */
  readonly since: number
  /** The first day without it, `2026-12-31`; absent: it has no end. */
  readonly until?: string
  readonly [key: string]: string | number | undefined
}

/** Who may use networks for which a seat is needed: by account, so that they go with it. */
export class Seats {
  readonly #map: OwnedMap<Seat>
  readonly #clock: Clock
  readonly #server: Server
  /** Called when somebody's seats have changed, on every node. */
  changed: () => void = () => {}
  readonly #known: ToldCache<ReadonlyMap<string, Seat>>

  constructor(map: OwnedMap<Seat>, server: Server) {
    this.#map = map
    this.#clock = server.clock
    this.#server = server
    this.#known = new ToldCache(CACHED, account => map.all(account))
    server.hear(TOPIC, account => {
      this.#known.forget(account)
      this.changed()
    })
  }

  /** Whether the account has one today. */
  has(account: Jid, provider: string): Awaitable<boolean> {
    return chain(this.#known.get(account.text), seats => this.#isGood(seats.get(provider)))
  }

  async assign(account: Jid, provider: string, until: string | undefined): Promise<void> {
    await this.#map.set(account.text, provider, { since: this.#clock.now(), ...(until !== undefined && { until }) })
    this.#changed(account)
  }

  /** False: there was none. */
  async revoke(account: Jid, provider: string): Promise<boolean> {
    const was = await this.#map.delete(account.text, provider)
    this.#changed(account)
    return was
  }

  /** All seats of a provider among the accounts of a host, those that are over included. */
  async of(host: string, provider: string): Promise<{ account: Jid; seat: Seat; good: boolean }[]> {
    const owners = await this.#map.owners(host, provider)
    const seats = await Promise.all(owners.map(async owner => [owner, await this.#map.get(owner, provider)] as const))
    return seats.flatMap(([owner, seat]) =>
      seat ? [{ account: Jid.parse(owner), seat, good: this.#isGood(seat) }] : [],
    )
  }

  #isGood(seat: Seat | undefined): boolean {
    return seat !== undefined && (seat.until === undefined || daysUntil(seat.until, this.#clock.now()) > 0)
  }

  #changed(account: Jid): void {
    this.#known.forget(account.text)
    this.#server.live.tell(TOPIC, account.text)
    this.changed()
  }
}
