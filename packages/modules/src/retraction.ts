import type { Jid } from '@parley/jid'
import { type Message, parseStanza } from '@parley/stanza'
import { defineModule, inbound, on, only, outbound, type Transit } from '@xmpp/server-core'
import messageLog from './message-log.ts'
import { fateOf } from './message-rules.ts'
import {
  isTombstone,
  occupantOf,
  RETRACT,
  type Retraction,
  retracted,
  retractedBy,
  TOMBSTONE,
  tombstone,
} from './tombstones.ts'

/** Who takes something back; in a room, as which occupant. */
interface Author {
  readonly account: Jid
  readonly occupant: string | undefined
}

const FEATURES = [RETRACT, TOMBSTONE]

/**
 * What somebody takes back is taken out of both archives, and out of what waits for the recipient (XEP-0424): a tombstone
 * stands in its place, and the retraction itself is kept.
 */
export default defineModule({
  name: 'retraction',
  xeps: [{ number: 424, version: '0.4.2' }],
  features: { host: FEATURES, account: FEATURES },
  // The retraction has its own row first.
  uses: { messageLog },
  setup({ store: { messages }, clock }) {
    function apply(stanza: Message, owner: Jid, account: Jid, peer: Jid, transit: Transit): void {
      const taken = retractedBy(stanza)
      // §4: the retraction must be archived.
      if (!taken || !fateOf(stanza).keep) return
      const author = { account, occupant: occupantOf(stanza) }
      // Behind the gates, where the row of the original is there, and before anybody hears of it.
      transit.effect(() => bury(owner, author, peer, taken))
    }

    async function bury(owner: Jid, author: Author, peer: Jid, { original, id }: Retraction): Promise<void> {
      const rows = await messages.allByOriginId(owner.text, peer.bare.text, original)
      const said = rows
        .filter(({ type }) => type !== 'error')
        .map(row => ({ row: row.id, message: parseStanza(row.stanza) as Message }))
        .filter(({ message }) => isOf(message, author))
      // §5.1: the id of the message counts. Clients of earlier versions name its origin-id.
      const meant = said.filter(({ message }) => message.id === original)
      const found = (meant.length > 0 ? meant : said).find(({ message }) => !isTombstone(message))
      if (!found) return
      const left = tombstone(found.message, retracted(id, clock.now()))
      await messages.replace(owner.text, found.row, left.toXml())
    }

    return {
      on: [
        on(
          outbound,
          'store',
          only('message', ({ stanza, session: { account }, transit }) => {
            const { to } = stanza
            // What is said to oneself is logged as received.
            if (to && !to.bare.equals(account)) apply(stanza, account, account, to, transit)
          }),
        ),
        on(
          inbound,
          'store',
          only('message', ({ stanza, account, transit }) => {
            const from = stanza.from ?? account
            apply(stanza, account, from.bare, from, transit)
          }),
        ),
      ],
    }
  },
})

/** §5: only who said it takes it back. */
function isOf(message: Message, { account, occupant }: Author): boolean {
  return (message.from?.bare.equals(account) ?? false) && occupantOf(message) === occupant
}
