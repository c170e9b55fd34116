import type { Jid } from '@parley/jid'
import { Body, type Iq, type Presence, StanzaError } from '@parley/stanza'
import { el } from '@parley/xml'
import {
  type Awaitable,
  chain,
  defineModule,
  type Inbound,
  inbound,
  iqGet,
  type Outbound,
  on,
  only,
  outbound,
  type Request,
  sessionEnded,
  type Verdict,
} from '@xmpp/server-core'
import roster from './roster.ts'

const NS = 'jabber:iq:last'
const STATUS_LENGTH = 1024

type Leaving = Omit<Outbound, 'stanza'> & { readonly stanza: Presence }

/** Last activity (XEP-0012): how long the server runs, and when an account was last there. */
export default defineModule({
  name: 'last-activity',
  xeps: [{ number: 12, version: '2.0' }],
  features: { host: [NS], account: [NS] },
  uses: { roster },
  setup({ clock, accounts, live, uses }) {
    const started = clock.monotonic()
    const seconds = (ms: number) => Math.max(0, Math.floor(ms / 1000))

    /** XEP-0012 §4: a client is asked only by those who may see it. */
    function guard({ stanza, account }: Omit<Inbound, 'stanza'> & { readonly stanza: Iq }): Awaitable<Verdict> {
      if (stanza.type !== 'get' || stanza.payload.ns !== NS || !stanza.to || stanza.to.isBare) return
      const asker = stanza.from?.bare
      if (asker?.equals(account)) return
      return chain(asker ? uses.roster.mayWatch(account, asker) : false, may => {
        if (!may) throw new StanzaError('service-unavailable')
      })
    }

    /** XEP-0012 §3: the words of the last unavailable presence. */
    function leaving({ stanza, session, transit }: Leaving): undefined {
      if (stanza.type !== 'unavailable' || stanza.to || !session.entry.presence) return
      transit.effect(() => keep(session.account, stanza.textOf('status') ?? ''))
    }

    function keep(account: Jid, status: string): Promise<void> {
      const words = status.slice(0, STATUS_LENGTH)
      return accounts.store.setLastActivity(account.text, { at: clock.now(), status: words })
    }

    async function ofAccount({ from, to }: Request) {
      // An account that hides answers like one that does not exist, so that asking tells nothing.
      if (!from.bare.equals(to) && !(await uses.roster.mayWatch(to, from))) throw new StanzaError('service-unavailable')
      const there = await live.sessions(to)
      // XEP-0012 §4: somebody is there now.
      if (there.some(({ presence }) => presence)) return el('query', NS, { seconds: 0 })
      const last = await accounts.store.lastActivity(to.text)
      if (!last) throw new StanzaError('item-not-found', 'The account was never there')
      return el('query', NS, { seconds: seconds(clock.now() - last.at) }, last.status)
    }

    return {
      iq: [
        iqGet('host', NS, 'query', () => el('query', NS, { seconds: seconds(clock.monotonic() - started) })),
        iqGet('account', NS, 'query', ofAccount),
      ],
      on: [
        on(outbound, 'rewrite', only('presence', leaving)),
        on(inbound, 'guard', only('iq', guard)),
        on(sessionEnded, 'observe', async ({ entry: { jid, presence } }) => {
          if (presence) await keep(jid.bare, statusOf(presence.xml))
        }),
      ],
    }
  },
})

function statusOf(xml: string): string {
  for (const child of Body.fromXml(xml).nodes)
    if (typeof child !== 'string' && child.name === 'status') return child.text()
  return ''
}
