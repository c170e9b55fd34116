import type { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import { Turns } from '../turns.ts'

const MAKER = 'maker'

export interface OwnedParts {
  /** By room: the account that has made it. */
  readonly makers: OwnedMap<string>
  /** By account and room: the same the other way round. */
  readonly owned: OwnedMap<true>
  /** Rooms of one account; 0: any number. */
  readonly most: number
  isAdmin(account: Jid): boolean
}

/**
 * How many rooms an account has (XEP-0045 §14.6): those that it has made and that are still there, whoever owns them now. Owners are
 * not counted: anybody could make somebody the owner of a hundred rooms, and nobody would be bound who gives rooms away.
 */
export class Owned {
  readonly #parts: OwnedParts
  readonly #turns = new Turns()

  constructor(parts: OwnedParts) {
    this.#parts = parts
  }

  /** Makes a room. @throws StanzaError `resource-constraint` where the account has too many */
  make<T>(room: Jid, account: Jid, create: () => Promise<T>): Promise<T> {
    const { makers, owned, most, isAdmin } = this.#parts
    return this.#turns.take(account.text, async () => {
      const isBound = most > 0 && !isAdmin(account)
      if (isBound && (await owned.keys(account.text)).length >= most)
        throw new StanzaError('resource-constraint', 'You have too many rooms')
      const made = await create()
      await makers.set(room.text, MAKER, account.text)
      await owned.set(account.text, room.text, true)
      return made
    })
  }

  /** The room goes. */
  async forget(room: { readonly text: string }): Promise<void> {
    const account = await this.#parts.makers.get(room.text, MAKER)
    if (account !== undefined) await this.#parts.owned.delete(account, room.text)
  }
}
