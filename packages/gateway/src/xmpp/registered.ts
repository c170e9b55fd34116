import type { Jid } from '@parley/jid'
import { ToldCache } from '@parley/modules'
import type { Awaitable, Server } from '@xmpp/server-core'
import type { Engine } from '../engine.ts'

/** What nodes tell each other when an account has registered with a network, or has left one. */
const TOPIC = 'gateway registrations'
const CACHED = 20_000

/** With which networks an account is registered, from memory where that was asked lately. */
export class Registered {
  readonly #server: Server
  readonly #known: ToldCache<ReadonlySet<string>>

  constructor(engine: Engine, server: Server) {
    this.#server = server
    this.#known = new ToldCache(CACHED, async owner => {
      const keys = await engine.registrations({ owner })
      return new Set(keys.map(({ provider }) => provider))
    })
    server.hear(TOPIC, owner => this.#known.forget(owner))
  }

  /** Ids of providers. */
  of(user: Jid): Awaitable<ReadonlySet<string>> {
    return this.#known.get(user.text)
  }

  changed(owner: string): void {
    this.#known.forget(owner)
    this.#server.live.tell(TOPIC, owner)
  }
}
