import { type Stanza, StanzaError } from '@parley/stanza'
import {
  type Acquaintance,
  type Awaitable,
  acquaintance,
  chain,
  defineModule,
  type Inbound,
  inbound,
  on,
  type Verdict,
} from '@xmpp/server-core'
import roster from './roster.ts'

/**
 * What people of other domains may do who are nobody's contact: what the record of their domain says. Whom a client has shown
 * its presence (a room elsewhere, say) is no stranger for as long.
 */
export default defineModule({
  name: 'strangers',
  uses: { roster },
  setup({ host, live, server }) {
    const { router } = server

    function guard({ stanza, account }: Inbound): Awaitable<Verdict> {
      const { from } = stanza
      if (!from || router.has(from.domain)) return
      const rule = router.strangers(from.domain)
      if (rule === 'welcome' || !begins(stanza)) return
      if (rule === 'ask' && stanza.name === 'presence' && stanza.type === 'subscribe') return
      return chain(host.knows(account, from.bare), known => (known ? undefined : refuse(stanza)))
    }

    /** Who was shown presence directly (RFC 6121 §4.6.3). */
    async function visited(asked: Acquaintance): Promise<void> {
      for (const { sid } of await live.sessions(asked.account)) {
        if (asked.known) return
        asked.known = (await live.directed(sid)).some(({ bare }) => bare.equals(asked.other))
      }
    }

    return {
      on: [
        on(inbound, 'guard', guard),
        on(acquaintance, 'observe', asked => (asked.known ? undefined : visited(asked))),
      ],
    }
  },
})

/** Answers, and the end of what was between two people, come from anybody. */
function begins({ name, type }: Stanza): boolean {
  if (type === 'error' || type === 'result') return false
  return name !== 'presence' || type === 'available' || type === 'subscribe'
}

/** As if nobody were there (RFC 6121 §8.5.1): a stranger learns nothing. */
function refuse(stanza: Stanza): Verdict {
  if (stanza.name === 'presence' || stanza.type === 'headline') return { drop: 'from a stranger' }
  throw new StanzaError('service-unavailable')
}
