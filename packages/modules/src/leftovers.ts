import type { Ended, Packet } from '@parley/live'
import { errorOf, type Iq, type Message, mayBounce, parseStanza, StanzaError } from '@parley/stanza'
import { defineModule, on, sessionEnded } from '@xmpp/server-core'
import offline from './offline.ts'

/** What a session had not taken when it ended (XEP-0198 §4): it goes to another session, waits, or goes back. */
export default defineModule({
  name: 'leftovers',
  uses: { offline },
  setup({ route, log, uses: { offline } }) {
    async function finish({ entry, unacked }: Ended): Promise<void> {
      const account = entry.jid.bare
      let owed = false
      for (const packet of unacked) {
        if (packet.owed !== undefined) owed = true
        else if (await dispose(entry.jid.bare, packet)) owed = true
      }
      if (owed) await offline.handOn(account)
    }
  },
})
