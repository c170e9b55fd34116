import type { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { defineModule } from '@xmpp/server-core'
import pep from './pep.ts'
import { barrier } from './pubsub/access.ts'
import { payloadOf } from './pubsub/events.ts'
import { publishOwn } from './pubsub/own.ts'
import vcard from './vcard.ts'
import { fromVCard4, toVCard4, VCARD4 } from './vcard-formats.ts'

const NODE = 'urn:xmpp:vcard4'
const ITEM = 'current'
/** Characters of a vCard4 that is read. */
const CHARS = 1_000_000

/** vCards of both kinds (XEP-0292, XEP-0054) say the same: what is written last counts. */
export default defineModule({
  name: 'vcard4',
  xeps: [{ number: 292, version: '0.12.0', partial: 'places, keys, logos and others are not converted' }],
  features: { host: [VCARD4], account: [VCARD4] },
  uses: { pep, vcard },
  setup({ uses, store }) {
    async function newest(account: Jid, asker: Jid) {
      const [found] = await store.pubsub.latest([account.text], [NODE], asker.bare.text, CHARS)
      if (!found || found.item.payload === '') return undefined
      const card = payloadOf(found.item)
      return card.is('vcard', VCARD4) ? { ...found, card } : undefined
    }

    /** Whoever may read the node sees what it says. */
    async function read(account: Jid, asker: Jid, stored: Element | undefined): Promise<Element | undefined> {
      const found = await newest(account, asker)
      if (!found) return stored
      const service = uses.pep.service(account)
      return barrier(service, found.node, asker, await service.standing(asker))
        ? stored
        : fromVCard4(found.card, stored)
    }

    /** A node that the card makes is open, as the card is; one that is there stays as its owner wants it. */
    async function written(account: Jid, card: Element): Promise<void> {
      const service = uses.pep.service(account)
      const found = await newest(account, account)
      const vcard4 = toVCard4(card, found?.card)
      if (!found && vcard4.children.length === 0) return
      try {
        const open = { ...service.defaults, access_model: 'open' }
        await publishOwn(service, NODE, now => now ?? open, found?.item.id ?? ITEM, vcard4)
      } catch (error) {
        // No room for another node: the card is kept all the same.
        if (!(error instanceof StanzaError)) throw error
      }
    }

    uses.vcard.share({ read, written })
    return {}
  },
})
