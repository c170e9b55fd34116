import { StanzaError } from '@parley/stanza'
import type { Entry } from './entry.ts'
import { WAITING } from './link.ts'

/** What comes while it is asked who has a way. */
export class Asking {
  /** When it began, by the clock that does not jump (ms). */
  readonly since: number
  #entries: Entry[]
  #chars = 0

  /** @param entries taken already, whatever their size */
  constructor(since: number, entries: readonly Entry[] = []) {
    this.since = since
    this.#entries = [...entries]
  }

  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** @throws StanzaError where too much waits already */
  add(entry: Entry): void {
    if (this.#chars + entry.xml.length > WAITING)
      throw new StanzaError('resource-constraint', 'Too much waits for another domain at once', { type: 'wait' })
    this.#entries.push(entry)
    this.#chars += entry.xml.length
  }

  /** Gives what is to be answered now, and keeps the rest: nothing where nobody is patient any more. */
  giveUp(isPatient: boolean): readonly Entry[] {
    const all = this.#entries
    this.#entries = isPatient ? all.filter(({ mayWait }) => mayWait) : []
    this.#chars = this.#entries.reduce((sum, { xml }) => sum + xml.length, 0)
    return isPatient ? all.filter(({ mayWait }) => !mayWait) : all
  }
}
