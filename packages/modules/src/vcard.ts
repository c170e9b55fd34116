import type { Jid } from '@parley/jid'
import { NS, StanzaError } from '@parley/stanza'
import { type Element, parseElement, serialize } from '@parley/xml'
import { defineModule, integer, iqGet, iqSet, map, type Request } from '@xmpp/server-core'

const KEY = 'vcard'

/** What else belongs to vCards. */
export interface SharedCard {
  /** The card as `asker` sees it, made of what was stored or of what others have made of that; undefined: there is nothing to see. */
  read(account: Jid, asker: Jid, stored: Element | undefined): Promise<Element | undefined>
  written(account: Jid, card: Element): Promise<void>
}

export interface VCards {
  share(shared: SharedCard): void
}

/** vCards (XEP-0054): one for each account, readable by everybody. */
export default defineModule({
  name: 'vcard',
  xeps: [{ number: 54, version: '1.3.0' }],
  features: { host: [NS.vcard], account: [NS.vcard] },
  config: { bytes: integer(200_000, 1000, 16_000_000, 'size of a vCard, its photo included') },
  stores: { vcards: map<string>() },
  setup({ config, stores: { vcards } }) {
    const shared: SharedCard[] = []

    async function get({ from, to }: Request) {
      const xml = await vcards.get(to.text, KEY)
      const stored = xml === undefined ? undefined : parseElement(xml)
      let card = stored
      for (const { read } of shared) card = await read(to, from, card)
      if (card) return card
      // XEP-0054 §3.3: an account without a vCard looks like no account, but to its owner.
      if (!from.bare.equals(to)) throw new StanzaError('service-unavailable')
      throw new StanzaError('item-not-found', 'You have no vCard yet')
    }

    async function set({ to, payload }: Request) {
      const xml = serialize(payload)
      if (Buffer.byteLength(xml) > config.bytes) throw new StanzaError('not-acceptable', 'The vCard is too large')
      await vcards.set(to.text, KEY, xml)
      for (const { written } of shared) await written(to, payload)
      return undefined
    }

    return {
      iq: [iqGet('account', NS.vcard, 'vCard', get), iqSet('self', NS.vcard, 'vCard', set)],
      api: {
        share: other => void shared.push(other),
      } satisfies VCards,
    }
  },
})
