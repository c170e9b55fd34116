import type { Jid } from '@parley/jid'
import { type Message, StanzaError } from '@parley/stanza'
import { type Element, serialize } from '@parley/xml'
import { defineModule, type Outbound, on, only, outbound, type Verdict } from '@xmpp/server-core'
import pep from './pep.ts'
import { publishOwn, type Wanted } from './pubsub/own.ts'
import { Turns } from './turns.ts'

const DISPLAYED = 'urn:xmpp:mds:displayed:0'
const ASSIST = 'urn:xmpp:mds:server-assist:0'
/** XEP-0490 §4.1: nobody else sees what somebody has read, and there is an item for each chat. */
const PRIVATE = { access_model: 'whitelist', persist_items: true, send_last_published_item: 'never', max_items: 'max' }
const NAME_BYTES = 500

/**
 * What the clients of an account have shown, in a node of its own (XEP-0490). A client that tells the sender too (XEP-0333)
 * says both in one message, and the server publishes.
 */
export default defineModule({
  name: 'displayed-sync',
  xeps: [{ number: 490, version: '1.0.1' }],
  features: { account: [ASSIST] },
  uses: { pep },
  setup({ log, uses }) {
    const turns = new Turns()

    /** §4.5.3: taken out before anything else sees the message: ids of the archive are nobody else's business. */
    function assist({ stanza, session, transit }: Omit<Outbound, 'stanza'> & { readonly stanza: Message }): Verdict {
      const displayed = stanza.child('displayed', DISPLAYED)
      if (!displayed) return
      const { to } = stanza
      if (to && stanza.type !== 'error') {
        transit.gate(turns.take(session.account.text, () => publish(session.account, to.text, displayed)))
      }
      return { replace: stanza.withChildren(stanza.children.filter(node => !isDisplayed(node))) }
    }

    async function publish(account: Jid, chat: string, displayed: Element): Promise<void> {
      const service = uses.pep.service(account)
      const isTooLong = Buffer.byteLength(chat) > NAME_BYTES
      if (isTooLong || Buffer.byteLength(serialize(displayed)) > service.limits.bytes) return
      const wanted: Wanted = now => (now && isPrivate(now) ? now : { ...(now ?? service.defaults), ...PRIVATE })
      try {
        await publishOwn(service, DISPLAYED, wanted, chat, displayed)
      } catch (error) {
        // No room for another node: the message goes on all the same.
        if (!(error instanceof StanzaError)) throw error
        log.debug('what was displayed is not published', { account: account.text, error })
      }
    }

    return { on: [on(outbound, 'guard', only('message', assist))] }
  },
})

function isDisplayed(node: Element | string): boolean {
  return typeof node !== 'string' && node.is('displayed', DISPLAYED)
}

function isPrivate(options: ReturnType<Wanted>): boolean {
  return Object.entries(PRIVATE).every(([name, value]) => options[name] === value)
}
