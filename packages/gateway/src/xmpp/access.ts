import type { Jid } from '@parley/jid'
import { type Condition, StanzaError } from '@parley/stanza'
import { type Awaitable, type Clock, chain, isPromise, type Logger } from '@xmpp/server-core'
import type { Provider } from '../engine.ts'
import { isRetired } from './providers.ts'
import type { Seats } from './seats.ts'

/** What the rules of the house say of an account, whatever the network is. */
export interface Rules {
  mayUse(account: Jid, network: string): Awaitable<boolean>
}

/** Why somebody may not: the labels of counters and of the log. */
export type Denial = 'disabled' | 'retired' | 'policy' | 'seat' | 'stranger' | 'rooms'

const REFUSALS: Readonly<Record<Denial, readonly [Condition, string]>> = {
  disabled: ['service-unavailable', 'This network is switched off'],
  retired: ['not-allowed', 'This network has ended'],
  policy: ['not-allowed', 'Your organisation does not let you use this network'],
  seat: ['not-allowed', 'You have no seat for this network'],
  stranger: ['not-allowed', 'Only contacts may write here'],
  rooms: ['not-allowed', 'Rooms of this network are switched off'],
}

/** Who may use a network: asked when somebody registers, starts, says something, and for everything that comes from there. */
export class Access {
  readonly #seats: Seats
  readonly #clock: Clock
  readonly #log: Logger
  /** Bound to the policies of the host. */
  rules: Rules = { mayUse: () => true }
  /** How often somebody was denied something, by `provider reason`. */
  readonly denials = new Map<string, number>()

  constructor(seats: Seats, clock: Clock, log: Logger) {
    this.#seats = seats
    this.#clock = clock
    this.#log = log
  }

  /** Why the account may not use the network; undefined: it may. */
  judge(provider: Provider, account: Jid): Awaitable<Denial | undefined> {
    if (!provider.enabled) return 'disabled'
    if (isRetired(provider, this.#clock.now())) return 'retired'
    return chain(this.rules.mayUse(account, provider.id), may => {
      if (!may) return 'policy'
      if (!provider.seats) return undefined
      return chain(this.#seats.has(account, provider.id), has => (has ? undefined : 'seat'))
    })
  }

  /** @throws StanzaError with why not; it is counted and logged. `doing`: what was tried */
  check(provider: Provider, account: Jid, doing: string): Awaitable<void> {
    const denial = this.judge(provider, account)
    const refuse = (why: Denial | undefined): void => {
      if (!why) return
      this.deny(provider, account, doing, why)
      throw refusal(why)
    }
    return isPromise(denial) ? denial.then(refuse) : refuse(denial)
  }

  /** Counts a denial, and tells the log. */
  deny({ id }: Provider, account: Jid, doing: string, why: Denial, peer?: string): void {
    const key = `${id} ${why}`
    this.denials.set(key, (this.denials.get(key) ?? 0) + 1)
    this.#log.info('gateway denied', {
      provider: id,
      account: account.text,
      doing,
      why,
      ...(peer !== undefined && { peer }),
    })
  }
}

export function refusal(why: Denial): StanzaError {
  const [condition, text] = REFUSALS[why]
  return new StanzaError(condition, text)
}
