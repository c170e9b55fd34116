import { Jid } from '@parley/jid'
import type { Ended, Packet } from '@parley/live'
import { errorOf, type Message, parseStanza, type Stanza, StanzaError } from '@parley/stanza'
import { type Awaitable, defineModule, on, sessionEnded, strayed } from '@xmpp/server-core'
import offline from './offline.ts'
import { wanting } from './targets.ts'

type Strayed = { readonly account: Jid; readonly packet: Packet }

/** What a session had not taken when it ended (XEP-0198 §4): another session gets it, it waits, or it goes back. */
export default defineModule({
  name: 'leftovers',
  uses: { offline },
  setup({ route, live, store: { messages }, uses: { offline } }) {
    async function finish({ entry, unacked }: Ended): Promise<void> {
      const account = entry.jid.bare
      if (live.isShared && entry.queued) await handOnSent(entry.sid)
      // What was on its way through a node that died is known to the log alone.
      let owed = live.isShared
      for (const packet of unacked) {
        if (packet.owed !== undefined || (await save(account, packet))) owed = true
      }
      if (owed) await offline.handOn(account)
    }

    /** What the session sent and its node had stored, but perhaps not brought to anybody when it died. */
    async function handOnSent(sid: string): Promise<void> {
      // Its node may be frozen in the middle of storing more: what comes after this look would never be looked at.
      await messages.fenceSm(sid)
      const rows = await messages.unfinished(sid)
      const last = rows.at(-1)
      if (!last) return
      // What was for other domains is found by whoever has the way there.
      const accounts = new Set(rows.map(row => row.owner).filter(owner => !owner.startsWith('/')))
      for (const owner of accounts) await offline.handOn(Jid.parse(owner))
      messages.handedOn(sid, last.k)
    }

    async function stray({ account, packet }: Strayed): Promise<void> {
      if (packet.owed !== undefined || (await save(account, packet))) await offline.handOn(account)
    }

    /** What has no row in the log. True: it has one now. */
    async function save(account: Jid, { xml, leftover }: Packet): Promise<boolean> {
      if (leftover === undefined) return false
      const stanza = parseStanza(xml)
      if (leftover === 'request') await goBack(stanza)
      else if (stanza.name === 'message' && (await isMissing(account, stanza))) {
        if (await offline.keep(account, stanza)) return true
        await goBack(stanza)
      }
      return false
    }

    /** Whether somebody loses a message with the session: not copies, nor what the account's other sessions have too. */
    async function isMissing(account: Jid, { type, from, to, children }: Message): Promise<boolean> {
      if ((type !== 'chat' && type !== 'normal') || from?.equals(account) || children.length === 0) return false
      return !to?.isBare || wanting(await live.sessions(account)).length === 0
    }

    /** RFC 6120 §8.3.1: as if the session had never been there. */
    function goBack(stanza: Stanza): Awaitable<void> {
      return route(errorOf(stanza, new StanzaError('service-unavailable')))
    }

    return { on: [on(sessionEnded, 'observe', finish), on(strayed, 'observe', stray)] }
  },
})
