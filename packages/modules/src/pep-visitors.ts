import { Jid } from '@parley/jid'
import type { Ended } from '@parley/live'
import type { Presence } from '@parley/stanza'
import { type Context, type Inbound, isPromise } from '@xmpp/server-core'
import { type Caps, type CapsClaim, readCaps } from './caps.ts'

type Parts = Pick<Context, 'live' | 'server' | 'host'> & { readonly uses: { readonly caps: Caps } }

/** What nodes tell each other of them: account, client and capabilities; without capabilities it has gone. */
const TOPIC = 'pep-visitors'
/** Clients of one account's contacts; what comes beyond is told nothing. */
const MOST = 1000

export interface Visitor {
  readonly jid: Jid
  readonly caps: string
}

/**
 * Clients of contacts at other servers, as their presence tells of them (XEP-0163 §4.3.2): of those here `live` knows. Known
 * for as long as somebody uses the account, whose presence brings theirs.
 */
export function pepVisitors(
  { live, server, host, uses }: Parts,
  arrived: (account: Jid, visitor: Jid, features: ReadonlySet<string>) => Promise<void>,
) {
  const known = new Map<string, Map<string, Visitor>>()
  server.hear(TOPIC, text => {
    const [account = '', jid = '', caps = ''] = text.split('\n')
    if (Jid.parse(account).domain !== host.domain) return
    if (jid === '') known.delete(account)
    else note(account, Jid.parse(jid), caps)
  })

  /** False: nothing is new. */
  function note(account: string, jid: Jid, caps: string): boolean {
    const clients = known.get(account)
    if (clients?.get(jid.text)?.caps === (caps === '' ? undefined : caps)) return false
    if (caps === '') {
      clients?.delete(jid.text)
      if (clients?.size === 0) known.delete(account)
      return true
    }
    if (clients && clients.size >= MOST && !clients.has(jid.text)) return false
    if (clients) clients.set(jid.text, { jid, caps })
    else known.set(account, new Map([[jid.text, { jid, caps }]]))
    return true
  }

  /** Sees presence that comes to an account from elsewhere. */
  function heard({ stanza, account }: Omit<Inbound, 'stanza'> & { readonly stanza: Presence }): undefined {
    const { from, type } = stanza
    if (!from || from.isBare || server.router.hosts.has(from.domain)) return
    if (type !== 'available' && type !== 'unavailable') return
    const claim = type === 'available' ? readCaps(stanza) : undefined
    if (!note(account.text, from, claim?.caps ?? '')) return
    live.tell(TOPIC, `${account.text}\n${from.text}\n${claim?.caps ?? ''}`)
    if (claim) server.finish(host, meet(account, from, claim))
  }

  async function meet(account: Jid, visitor: Jid, claim: CapsClaim): Promise<void> {
    const features = await uses.caps.learn(claim, account, visitor)
    if (features) await arrived(account, visitor, features)
  }

  /** The last session of an account takes with it what was known. */
  async function ended({ entry: { jid } }: Ended): Promise<void> {
    const account = jid.bare
    if (!known.has(account.text)) return
    const left = live.sessions(account)
    if ((isPromise(left) ? await left : left).length > 0) return
    known.delete(account.text)
    live.tell(TOPIC, account.text)
  }

  /** The clients of one contact. */
  function of(account: Jid, contact: Jid): readonly Visitor[] {
    const clients = known.get(account.text)
    return clients ? [...clients.values()].filter(({ jid }) => jid.bare.equals(contact)) : []
  }

  return { heard, ended, of }
}

export type PepVisitors = ReturnType<typeof pepVisitors>
