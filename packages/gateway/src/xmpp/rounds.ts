import { Jid } from '@parley/jid'
import type { House } from './house.ts'
import type { Networks } from './networks.ts'
import { daysUntil } from './providers.ts'

/** How often it is looked who may still do what they do (ms): a right that is gone ends a session within a minute. */
const OFTEN = 30_000
const HOUR = 3_600_000
/** Days before the end of a network on which its users are told. */
const WARNINGS = [30, 7, 1]

/** What is looked at from time to time. */
export class Rounds {
  readonly #house: House
  readonly #networks: Networks
  readonly #stops: readonly (() => void)[]
  #looking: Promise<void> = Promise.resolve()

  constructor(house: House, networks: Networks) {
    this.#house = house
    this.#networks = networks
    const { clock } = house
    const run = (task: () => Promise<void>) => () => {
      task().catch((error: unknown) => house.log.error('networks could not be looked after', { error }))
    }
    this.#stops = [
      clock.every(
        OFTEN,
        run(() => this.look()),
      ),
      clock.every(
        HOUR,
        run(() => this.warn()),
      ),
    ]
  }

  /** Rights have changed. */
  soon(): void {
    this.look().catch((error: unknown) => this.#house.log.error('networks could not be looked after', { error }))
  }

  /** Ends the sessions of those who may not have one any more. */
  look(): Promise<void> {
    // Behind one that is under way, which may have seen them before.
    this.#looking = this.#looking.catch(() => {}).then(() => this.#look())
    return this.#looking
  }

  async #look(): Promise<void> {
    const { access, engine, providers } = this.#house
    for (const id of providers.all.keys()) this.#networks.renew(id)
    for (const face of this.#networks.all) {
      const { net, showing } = face
      for (const person of [...net.people.all]) {
        const { user, told } = person
        const isThere = net.federated ? showing.isShown(person) : told !== undefined && told.state !== 'idle'
        if (!isThere) continue
        const denial = await access.judge(net.provider, user)
        if (!denial) continue
        access.deny(net.provider, user, 'stay', denial)
        if (net.federated) await face.part(person)
        else await engine.rest(net.keyOf(user))
      }
    }
  }

  /** Tells users that a network ends: 30, 7 and 1 days before, once each. */
  async warn(): Promise<void> {
    const { clock, engine, host, stores, live } = this.#house
    for (const { net } of this.#networks.all) {
      const { retireAt, id } = net.provider
      if (retireAt === undefined) continue
      const days = daysUntil(retireAt, clock.now())
      const due = WARNINGS.filter(warning => days <= warning).at(-1)
      if (due === undefined || days <= 0) continue
      // One process for all.
      await live.alone(`retirement ${id} ${host.domain}`, async () => {
        for (const { owner } of await engine.registrations({ provider: id })) {
          const user = Jid.parse(owner)
          const key = `${id} ${retireAt}`
          const before = user.domain === host.domain ? await stores.warned.get(owner, key) : 0
          if (before !== undefined && before <= due) continue
          await stores.warned.set(owner, key, due)
          await net.notice(user, `${net.title} ends on ${retireAt}, in ${days === 1 ? 'one day' : `${days} days`}.`)
        }
      })
    }
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }
}
