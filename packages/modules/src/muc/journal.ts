import type { Affiliation } from './roles.ts'

/** One change of what an account is to the room, from one version of the lists to the next. */
export interface Change {
  readonly since: string
  readonly until: string
  readonly account: string
  readonly before: Affiliation
}

/** Changes that are remembered: whoever has been away for longer gets all of the lists. */
const KEPT = 200
/** The version of lists of which no change is known. */
const FIRST = '0'

/** What has changed lately in who belongs to a room (XEP-0463). */
export class Journal {
  readonly #changes: Change[]
  /** Written down, and not told yet to those who are here. */
  readonly #untold = new Map<string, Change>()

  /** @param changes in order */
  constructor(changes: readonly Change[] = []) {
    this.#changes = [...changes]
  }

  get version(): string {
    return this.#changes.at(-1)?.until ?? FIRST
  }

  /** Gives those that are forgotten for it. */
  add(change: Change): readonly Change[] {
    this.#changes.push(change)
    this.#untold.set(change.account, change)
    return this.#changes.splice(0, Math.max(0, this.#changes.length - KEPT))
  }

  /** All behind a version, in order; undefined where the version is not known. */
  behind(version: string): readonly Change[] | undefined {
    if (version === this.version) return []
    const first = this.#changes.findIndex(({ since }) => since === version)
    return first < 0 ? undefined : this.#changes.slice(first)
  }

  isUntold(account: string): boolean {
    return this.#untold.has(account)
  }

  /** The change of an account that is to be told now. */
  take(account: string): Change | undefined {
    const change = this.#untold.get(account)
    this.#untold.delete(account)
    return change
  }
}
