import { AdapterError, type Presence } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { presenceOf } from './availability.ts'
import type { Network } from './network.ts'
import type { Person } from './people.ts'

/** What nodes tell each other: a user is available in another way. */
export const SHOW = 'gateway show'
/** What is shown of who is not there. */
const GONE = JSON.stringify({ show: 'unavailable' } satisfies Presence)

/** How the user is, towards the network: its session comes and goes with the user's clients. */
export class Showing {
  readonly #net: Network

  readonly #here: (user: Jid) => boolean

  /** @param here whether this node has the session of a user, or nobody else can */
  constructor(net: Network, here: (user: Jid) => boolean) {
    this.#net = net
    this.#here = here
  }

  /** A client has come, has gone, or says something else of itself. */
  async changed(user: Jid): Promise<void> {
    const { house, provider } = this.#net
    const presence = presenceOf(await house.live.sessions(user))
    if (!presence && !provider.alwaysOn) return
    if (await house.access.judge(provider, user)) return
    if (!this.#net.federated) house.engine.wake(this.#net.keyOf(user))
    // The node that has the session knows what it has shown.
    if (!this.#here(user) && house.engine.status(this.#net.keyOf(user)).state !== 'idle')
      house.live.tell(SHOW, `${this.#net.service.domain}\n${user}`)
    else await this.show(user, presence ?? { show: 'away' })
  }

  /** Nobody was there for a while: unless somebody is now, the session rests. */
  async away(user: Jid): Promise<void> {
    const { house, provider, people } = this.#net
    if (presenceOf(await house.live.sessions(user))) return
    if (this.#net.federated) {
      if (this.#here(user)) await this.show(user, { show: 'unavailable' })
      else house.live.tell(SHOW, `${this.#net.service.domain}\n${user}`)
      people.forget(user)
    } else if (!provider.alwaysOn) await house.engine.rest(this.#net.keyOf(user))
  }

  /** The session has just begun: the network does not know how the user is. */
  async begun(user: Jid): Promise<void> {
    this.#net.people.of(user).shown = undefined
    await this.again(user)
  }

  /** Shows how the user is now, from the node that has the session. */
  async again(user: Jid): Promise<void> {
    const presence = presenceOf(await this.#net.house.live.sessions(user))
    await this.show(user, presence ?? { show: this.#net.federated ? 'unavailable' : 'away' })
  }

  /** Whether the network was told that the user is there. */
  isShown({ shown }: Person): boolean {
    return shown !== undefined && shown !== GONE
  }

  async show(user: Jid, presence: Presence): Promise<void> {
    const { house } = this.#net
    const person = this.#net.people.of(user)
    const text = JSON.stringify(presence)
    const isThere = this.#net.federated || house.engine.status(this.#net.keyOf(user)).state === 'online'
    if (!isThere || person.shown === text || !this.#net.can('presence', 'out')) return
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
