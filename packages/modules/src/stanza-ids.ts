import { Jid, JidError } from '@parley/jid'
import { Body, type Message, NS } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { defineModule, inbound, on, only, outbound, type Verdict } from '@xmpp/server-core'
import { without } from './children.ts'

/** Ids that others claim were given here are taken out (XEP-0359 §3, rule 2); true ones come from the message log. */
export default defineModule({
  name: 'stanza-ids',
  xeps: [{ number: 359, version: '0.7.0' }],
  features: { host: [NS.stanzaId], account: [NS.stanzaId] },
  setup({ host }) {
    function strip(stanza: Message, account: Jid): Verdict {
      const children = without(stanza.children, child => isForged(child, account))
      if (children !== stanza.children) return { replace: stanza.withBody(Body.of(children)) }
    }

    function isForged(child: Element, account: Jid): boolean {
      const by = giverOf(child)
      return by !== undefined && (by.equals(account) || by.equals(host.jid))
    }

    return {
      on: [
        on(
          outbound,
          'rewrite',
          only('message', ({ stanza, session }) => strip(stanza, session.account)),
        ),
        on(
          inbound,
          'rewrite',
          // What the account itself says are news of its own nodes, which may hold such ids (XEP-0490 §4.1).
          only('message', ({ stanza, account }) => (stanza.from?.equals(account) ? undefined : strip(stanza, account))),
        ),
      ],
    }
  },
})

/** Who has given a stanza the id that stands in it, as it says; in canonical form, as rule 7 wants it compared. */
export function giverOf({ name, ns, attrs }: Element): Jid | undefined {
  if (ns !== NS.stanzaId || name !== 'stanza-id' || attrs['by'] === undefined) return undefined
  try {
    return Jid.parse(attrs['by'])
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
