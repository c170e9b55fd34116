import type { Jid } from '@parley/jid'
import type { Element } from '@parley/xml'
import { defineModule } from '@xmpp/server-core'
import { BOOKMARKS } from './bookmark-formats.ts'
import { payloadOf } from './pubsub/events.ts'

const NS = 'urn:xmpp:notification-settings:1'
/** From the quietest to the loudest. */
const SETTINGS = ['never', 'on-mention', 'always'] as const
export type Setting = (typeof SETTINGS)[number]

export interface NotificationSettings {
  /** The loudest setting that a client of the account has for a room; `otherwise` for clients of which nothing is said. */
  of(account: Jid, room: Jid, otherwise: Setting): Promise<Setting>
}

/** What users want to be told of each room (XEP-0492), which stands in its bookmark (XEP-0402). */
export default defineModule({
  name: 'notification-settings',
  xeps: [{ number: 492, version: '0.2.0', partial: 'for rooms; advanced settings are the business of clients' }],
  setup({ store }) {
    async function of(account: Jid, room: Jid, otherwise: Setting): Promise<Setting> {
      const [bookmark] = await store.pubsub.itemsById(account.text, BOOKMARKS, [room.text])
      const notify = bookmark && payloadOf(bookmark).child('extensions', BOOKMARKS)?.child('notify', NS)
      return notify ? loudest(notify, otherwise) : otherwise
    }
    return { api: { of } satisfies NotificationSettings }
  },
})

/** §3: clients take what is said for their kind, all others the element without attributes. */
function loudest(notify: Element, otherwise: Setting): Setting {
  const said = notify.elements().filter(({ ns }) => ns === NS)
  const isForAll = said.some(({ attrs }) => attrs['identity-category'] === undefined)
  const names = new Set([...said.map(({ name }) => name), ...(isForAll ? [] : [otherwise])])
  return SETTINGS.findLast(setting => names.has(setting)) ?? otherwise
}
