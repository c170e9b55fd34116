import type { Jid } from '@parley/jid'
import { Body, formatDateTime, type Message, NS, parseStanza } from '@parley/stanza'
import { el } from '@parley/xml'
import { defineModule, inbound, on, only, outbound, type Transit } from '@xmpp/server-core'
import messageLog from './message-log.ts'
import { fateOf } from './message-rules.ts'

const RETRACT = 'urn:xmpp:message-retract:1'
const FEATURES = [RETRACT, `${RETRACT}#tombstone`]

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
    function apply(stanza: Message, owner: Jid, author: Jid, peer: Jid, transit: Transit): void {
      const taken = retractedBy(stanza)
      if (!taken) return
      // Behind the gates, where the row of the original is there, and before anybody hears of it.
      transit.effect(() => bury(owner, author, peer, taken))
    }

    async function bury(owner: Jid, author: Jid, peer: Jid, { original, id }: Retraction): Promise<void> {
      for (const row of await messages.allByOriginId(owner.text, peer.bare.text, original)) {
        const message = row.type === 'error' ? undefined : (parseStanza(row.stanza) as Message)
        // §5: only who said it takes it back.
        if (!message?.from?.bare.equals(author) || message.child('retracted', RETRACT)) continue
        await messages.replace(owner.text, row.id, tombstone(message, id).toXml())
        return
      }
    }

    /** §4: the head, and the sender's own id of it, by which clients know what it was. */
    function tombstone(message: Message, id: string): Message {
      const origin = message.child('origin-id', NS.stanzaId)
      const retracted = el('retracted', RETRACT, { id, stamp: formatDateTime(clock.now()) })
      return message.withBody(Body.of(origin ? [retracted, origin] : [retracted]))
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

interface Retraction {
  /** The sender's id of what is taken back. */
  readonly original: string
  /** The id of the retraction, which the tombstone names. */
  readonly id: string
}

/** §4: a tombstone names its retraction, which must be archived. */
function retractedBy(stanza: Message): Retraction | undefined {
  const original = stanza.child('retract', RETRACT)?.attrs['id']
  if (!original || stanza.id === undefined || !fateOf(stanza).keep) return undefined
  return { original, id: stanza.id }
}
