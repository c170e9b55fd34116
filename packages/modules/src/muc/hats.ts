import { createHash } from 'node:crypto'
import type { Jid } from '@parley/jid'
import type { OwnedMap } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { HATS } from './namespaces.ts'

/** A part that somebody plays in a room, beyond what roles and affiliations say (XEP-0317). */
export type Hat = {
  readonly title: string
  /** The angle of its colour (XEP-0392), as text. */
  readonly hue?: string
}

/** What is kept of the hats of a room: each by its URI; and which ones each account wears. */
export interface HatStores {
  readonly hats: OwnedMap<Hat>
  readonly wearers: OwnedMap<readonly string[]>
}

/** The hats of one room, and who wears them. */
export class Hats {
  /** By URI. */
  readonly all: Map<string, Hat>
  /** URIs by account, in the order in which they were put on. */
  readonly worn: Map<string, readonly string[]>

  constructor(all = new Map<string, Hat>(), worn = new Map<string, readonly string[]>()) {
    this.all = all
    this.worn = worn
  }

  static async read({ hats, wearers }: HatStores, room: Jid): Promise<Hats> {
    const [all, worn] = await Promise.all([hats.all(room.text), wearers.all(room.text)])
    return new Hats(all, worn)
  }

  /** What the presence of somebody says of them (§3.1); undefined: nothing. */
  elementOf(account: Jid): Element | undefined {
    const worn = this.worn.get(account.text)
    if (!worn || worn.length === 0) return undefined
    return el(
      'hats',
      HATS,
      null,
      worn.map(uri => el('hat', HATS, { uri, ...this.all.get(uri) })),
    )
  }

  /** The same for the same hats (§2). */
  get hash(): string {
    const text = [...this.all].map(([uri, { title, hue = '' }]) => `${uri}\n${title}\n${hue}\n`).sort()
    return createHash('sha256').update(text.join('')).digest('base64url')
  }
}
