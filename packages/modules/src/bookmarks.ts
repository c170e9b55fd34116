import type { Jid } from '@parley/jid'
import type { PubsubItem } from '@parley/store'
import { type Element, serialize } from '@parley/xml'
import { defineModule } from '@xmpp/server-core'
import { BOOKMARKS, changed, collated, othersOf, roomsOf, STORAGE } from './bookmark-formats.ts'
import pep from './pep.ts'
import privateXml from './private-xml.ts'
import { payloadOf, retracted } from './pubsub/events.ts'
import { changeOwn, publishOwn, type Wanted } from './pubsub/own.ts'
import type { PubsubService } from './pubsub/service.ts'

/** XEP-0223 §3: rooms and their passwords are nobody's business. */
const PRIVATE = { access_model: 'whitelist', persist_items: true, send_last_published_item: 'never' }
const WHOLE = 'current'
const NAME_BYTES = 500
/** Of all bookmarks together: what is more is not in the list. */
const CHARS = 1_000_000

/**
 * Bookmarks (XEP-0402) for clients of all ages: the items of one node are the truth, and the two older places, private XML and
 * a node with one list (XEP-0048), show the same.
 */
export default defineModule({
  name: 'bookmarks',
  xeps: [
    { number: 48, version: '1.2' },
    { number: 402, version: '1.2.0' },
    { number: 411, version: '1.1.0' },
  ],
  features: { account: [`${BOOKMARKS}#compat`, `${BOOKMARKS}#compat-pep`, 'urn:xmpp:bookmarks-conversion:0'] },
  uses: { pep, privateXml },
  setup({ live, uses }) {
    const alone = <T>(account: Jid, task: () => Promise<T>) => live.alone(`bookmarks ${account}`, task)

    function items({ store, jid, limits }: PubsubService): Promise<readonly PubsubItem[]> {
      const page = { limit: limits.items, chars: CHARS }
      return store.items(jid.text, BOOKMARKS, page).then(found => found?.items ?? [])
    }

    /** A node of ours is private, whatever it was. */
    const wanted =
      (service: PubsubService, max_items: string): Wanted =>
      now => ({ ...(now ?? service.defaults), ...PRIVATE, max_items })

    /** XEP-0402 §5.3.1: the node with the one list shows what the items say. */
    async function showList(service: PubsubService): Promise<void> {
      const list = collated(await items(service))
      const [before] = await service.store.itemsById(service.jid.text, STORAGE, [WHOLE])
      if (before?.payload === serialize(list)) return
      await publishOwn(service, STORAGE, wanted(service, '1'), WHOLE, list)
    }

    /** XEP-0402 §5.3.2: the items become what a list says; only what has changed is told. */
    async function takeList(service: PubsubService, list: Element): Promise<void> {
      const before = new Map((await items(service)).map(item => [item.id, payloadOf(item)]))
      const rooms = roomsOf(list)
      const gone = [...before.keys()].filter(id => !rooms.has(id))
      if (gone.length > 0) {
        const node = await changeOwn(service, BOOKMARKS, wanted(service, 'max'), { retract: gone })
        await service.notify({ node, event: retracted(BOOKMARKS, gone) })
      }
      for (const [jid, conference] of [...rooms].slice(0, service.limits.items)) {
        const payload = Buffer.byteLength(jid) <= NAME_BYTES ? changed(jid, conference, before.get(jid)) : undefined
        if (payload) await publishOwn(service, BOOKMARKS, wanted(service, 'max'), jid, payload)
      }
    }

    uses.pep.around(BOOKMARKS, (account, run) =>
      alone(account, async () => {
        const answer = await run()
        await showList(uses.pep.service(account))
        return answer
      }),
    )
    uses.pep.around(STORAGE, (account, run) =>
      alone(account, async () => {
        const answer = await run()
        const service = uses.pep.service(account)
        const found = await service.store.items(account.text, STORAGE, { limit: 1, chars: 1 })
        const list = found?.items[0]
        if (list) await takeList(service, payloadOf(list))
        return answer
      }),
    )
    uses.privateXml.share(STORAGE, 'storage', {
      read: async (account, stored) => {
        const found = await items(uses.pep.service(account))
        return found.length === 0 && !stored ? undefined : collated(found, othersOf(stored))
      },
      written: (account, list) =>
        alone(account, async () => {
          const service = uses.pep.service(account)
          await takeList(service, list)
          await showList(service)
        }),
    })
    return {}
  },
})
