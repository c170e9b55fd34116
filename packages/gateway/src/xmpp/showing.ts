import { AdapterError, type Presence } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { presenceOf } from './availability.ts'
import type { Network } from './network.ts'

/** How the user is, towards the network: its session comes and goes with the user's clients. */
export class Showing {
  readonly #net: Network

  constructor(net: Network) {
    this.#net = net
  }

  /** A client has come, has gone, or says something else of itself. */
  async changed(user: Jid): Promise<void> {
    const { house, provider } = this.#net
    const presence = presenceOf(await house.live.sessions(user))
    if (!presence && !provider.alwaysOn) return
    if (await house.access.judge(provider, user)) return
    if (!this.#net.federated) house.engine.wake(this.#net.keyOf(user))
    await this.show(user, presence ?? { show: 'away' })
  }

  /** Nobody was there for a while: unless somebody is now, the session rests. */
  async away(user: Jid): Promise<void> {
    const { house, provider, people } = this.#net
    if (presenceOf(await house.live.sessions(user))) return
    if (this.#net.federated) {
      await this.show(user, { show: 'unavailable' })
      people.forget(user)
    } else if (!provider.alwaysOn) await house.engine.rest(this.#net.keyOf(user))
  }

  /** The session has just begun: the network does not know how the user is. */
  async begun(user: Jid): Promise<void> {
    const person = this.#net.people.of(user)
    person.shown = undefined
    const presence = presenceOf(await this.#net.house.live.sessions(user))
    await this.show(user, presence ?? { show: 'away' })
  }

  async show(user: Jid, presence: Presence): Promise<void> {
    const { house } = this.#net
    const person = this.#net.people.of(user)
    const text = JSON.stringify(presence)
    const isThere = this.#net.federated || house.engine.status(this.#net.keyOf(user)).state === 'online'
    // Another node may have shown something else meanwhile.
    const isKnown = person.shown === text && !house.live.isShared
    if (!isThere || isKnown || !this.#net.can('presence', 'out')) return
    person.shown = text
    try {
      await house.engine.run(this.#net.keyOf(user), 'setPresence', presence, this.#net.by(user))
    } catch (error) {
      person.shown = undefined
      if (!(error instanceof AdapterError))
        house.log.warn('presence was not shown to a network', { provider: this.#net.id, error })
    }
  }
}
