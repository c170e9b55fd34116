import { AdapterError, type Context, type Event, type Presence } from '@parley/adapter'
import type { Api } from './api.ts'
import { clean } from './content.ts'
import { type Fields, textOf } from './json.ts'
import type { Places } from './places.ts'
import { fromMatrix, toMatrix } from './presence.ts'

/** People whose presence a user who comes is told. */
const SEEN = 100

export interface SightParts {
  readonly api: Api
  readonly places: Places
  readonly log: Context['log']
  emit(event: Event): void
}

/** Who is seen as what. The homeserver says what changes; what is so already is asked for. */
export class Sight {
  readonly #parts: SightParts
  /** Users who are here. */
  readonly #here = new Set<string>()

  constructor(parts: SightParts) {
    this.#parts = parts
  }

  /** @throws AdapterError */
  async shows(user: string, ghost: string, presence: Presence): Promise<void> {
    await this.#parts.api.call('PUT', ['presence', ghost, 'status'], toMatrix(presence), ghost)
    if (presence.show === 'unavailable') this.#here.delete(user)
    else if (!this.#here.has(user)) {
      this.#here.add(user)
      void this.#look(user, ghost)
    }
  }

  /** Tells the user how somebody is, now that they have a room, or if they have one. */
  async meets(user: string, ghost: string, id: string): Promise<void> {
    await this.#see(user, ghost, id).catch((error: unknown) => this.#blind(error))
  }

  /** Who comes is told who is there. */
  async #look(user: string, ghost: string): Promise<void> {
    try {
      for (const peer of this.#parts.places.peersOf(user, SEEN)) await this.#see(user, ghost, peer)
    } catch (error) {
      this.#blind(error)
    }
  }

  async #see(user: string, ghost: string, id: string): Promise<void> {
    const { api, emit } = this.#parts
    const found = await api
      .call('GET', ['presence', id, 'status'], undefined, ghost)
      .catch((error: unknown): Fields => {
        // Matrix Client-Server API, GET presence: 403 for whoever is not to see it, 404 where there is none.
        if (error instanceof AdapterError && (error.failure === 'denied' || error.failure === 'not-found')) return {}
        throw error
      })
    const presence = fromMatrix(textOf(found['presence']) ?? '', clean(textOf(found['status_msg']) ?? ''))
    if (presence) emit({ type: 'presence', user, id, presence })
  }

  #blind(error: unknown): void {
    this.#parts.log.debug('The presence of contacts cannot be learnt', { why: (error as Error).message })
  }
}
