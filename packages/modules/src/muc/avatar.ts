import { type FormField, formField, NS, StanzaError } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import { type Element, parseElement, serialize } from '@parley/xml'
import { type IqRoute, iqGet, iqSet, type Request } from '@xmpp/server-core'
import { photoOf } from '../avatar-formats.ts'
import type { Open } from './keeper.ts'
import { inTurn, opened, type Parts } from './parts.ts'
import type { Room } from './room.ts'

const KEY = 'card'

/** The vCard of a room as XML, and the SHA-1 hashes of its pictures. */
export type StoredCard = { readonly xml: string; readonly hashes: readonly string[] }

/** vCards of rooms, which hold their avatars (XEP-0486). */
export class Cards {
  readonly #stored: OwnedMap<StoredCard>
  readonly #bytes: number
  /** A room is on one node, so what is known here is true. */
  readonly #hashes = new WeakMap<Room, readonly string[]>()

  /** @param bytes what a card may have in UTF-8 */
  constructor(stored: OwnedMap<StoredCard>, bytes: number) {
    this.#stored = stored
    this.#bytes = bytes
  }

  async read({ jid }: Room): Promise<Element | undefined> {
    const card = await this.#stored.get(jid.text, KEY)
    return card && parseElement(card.xml)
  }

  /** True: the pictures are others than before. @throws StanzaError `not-acceptable` */
  async write(room: Room, card: Element): Promise<boolean> {
    const xml = serialize(card)
    if (Buffer.byteLength(xml) > this.#bytes) {
      throw new StanzaError('not-acceptable', 'The vCard is too large for a room')
    }
    const before = await this.hashes(room)
    const hashes = card.childrenNamed('PHOTO', NS.vcard).flatMap(photo => photoOf(photo)?.picture.id ?? [])
    // §3.2: an empty one takes the avatar away.
    if (card.elements().length === 0) await this.#stored.delete(room.jid.text, KEY)
    else await this.#stored.set(room.jid.text, KEY, { xml, hashes })
    this.#hashes.set(room, hashes)
    return hashes.join() !== before.join()
  }

  async hashes(room: Room): Promise<readonly string[]> {
    const known = this.#hashes.get(room)
    if (known) return known
    const { hashes: stored = [] } = (await this.#stored.get(room.jid.text, KEY)) ?? {}
    // An owner may have set others meanwhile.
    const hashes = this.#hashes.get(room) ?? stored
    this.#hashes.set(room, hashes)
    return hashes
  }

  /** §3.3: what the room says of its avatar to whoever asks, whether they are here or not. */
  async fields(room: Room): Promise<FormField[]> {
    const hashes = await this.hashes(room)
    if (hashes.length === 0) return []
    return [formField('muc#roominfo_avatarhash', 'text-multi', hashes, { label: 'Avatar hash' })]
  }
}

export function cardRoutes(parts: Parts): readonly IqRoute[] {
  const { cards, outlet, host } = parts

  async function get({ from, to }: Request): Promise<Element> {
    const card = await cards.read((await opened(parts, to, from)).room)
    if (!card) throw new StanzaError('item-not-found', 'The room has no vCard')
    return card
  }

  async function set({ room }: Open, { from, payload }: Request): Promise<undefined> {
    // §6
    const isAdmin = host.config.admins.includes(from.bare.text)
    if (!isAdmin && room.affiliationOf(from.bare) !== 'owner') {
      throw new StanzaError('forbidden', 'Only owners set the vCard of a room')
    }
    if (!(await cards.write(room, payload))) return
    outlet.during(undefined, () => room.sayStatus([104]))
  }

  return [iqGet('account', NS.vcard, 'vCard', get), iqSet('account', NS.vcard, 'vCard', inTurn(parts, set))]
}
