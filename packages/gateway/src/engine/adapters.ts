import type { Adapter } from '@parley/adapter'
import type { Logger } from '@xmpp/server-core'

/** An adapter that is installed, and where it is: processes import it by that name. */
export interface Installed {
  readonly id: string
  /** The name of a package, or the URL of a file. */
  readonly module: string
  load(): Promise<Adapter>
}

/** Adapters by id: each is read when a record names it, and not before. */
export class Adapters {
  readonly loaded = new Map<string, Adapter>()
  readonly #installed: ReadonlyMap<string, Installed>
  readonly #loading = new Map<string, Promise<Adapter | undefined>>()
  readonly #log: Logger

  constructor(installed: readonly Installed[], log: Logger) {
    this.#installed = new Map(installed.map(each => [each.id, each]))
    this.#log = log
  }

  get ids(): readonly string[] {
    return [...this.#installed.keys()]
  }

  moduleOf(id: string): string {
    return this.#installed.get(id)!.module
  }

  /** Undefined: there is none, or it cannot be read; the log says why. */
  load(id: string): Promise<Adapter | undefined> {
    const loading = this.#loading.get(id) ?? this.#load(id)
    this.#loading.set(id, loading)
    return loading
  }

  async #load(id: string): Promise<Adapter | undefined> {
    try {
      const adapter = await this.#installed.get(id)?.load()
      if (adapter) this.loaded.set(id, adapter)
      return adapter
    } catch (error) {
      this.#loading.delete(id)
      this.#log.error('an adapter cannot be read', { adapter: id, error })
      return undefined
    }
  }
}
