import type { Jid } from '@parley/jid'
import type { SessionEntry } from '@parley/live'
import { Body, forwarded, Message, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Asked,
  type Awaitable,
  bound2,
  chain,
  defineModule,
  inbound,
  iqSet,
  isPromise,
  midOf,
  type Outbound,
  on,
  only,
  outbound,
  packetOf,
  type Request,
  type Transit,
  urgencyOf,
  type Verdict,
} from '@xmpp/server-core'
import bind2 from './bind2.ts'
import { CARBONS, isConversation } from './carbon-rules.ts'
import { identified } from './message-log.ts'
import type { InboundMessage } from './messages.ts'
import { Recent } from './recent.ts'
import { mayWait, targetsOf } from './targets.ts'

/** Messages that were copied and may come back as errors. */
const REMEMBERED = 10_000

type Direction = 'sent' | 'received'

export interface Carbons {
  /** Copies, for the account's clients, of what it has sent by another way than a stream. */
  copySent(stanza: Message, account: Jid, archiveId: bigint | undefined, transit: Transit): Awaitable<void>
}

/** All clients of an account see both sides of its conversations (XEP-0280). */
export default defineModule({
  name: 'carbons',
  xeps: [{ number: 280, version: '1.0.1' }],
  features: { host: [CARBONS, 'urn:xmpp:carbons:rules:0'], account: [CARBONS] },
  uses: { bind2 },
  setup({ live, store, uses: { bind2 } }) {
    bind2.offer(CARBONS)
    const copied = new Recent(REMEMBERED)

    const turn =
      (carbons: boolean) =>
      (_request: Request, { session }: Asked): Awaitable<undefined> =>
        chain(session?.update({ carbons }), () => undefined)

    function copySent(event: Omit<Outbound, 'stanza'> & { readonly stanza: Message }): Awaitable<void> {
      const { stanza, session, archiveId, transit } = event
      return sent(stanza, session.account, archiveId, transit, session.jid)
    }

    function sent(
      stanza: Message,
      account: Jid,
      archiveId: bigint | undefined,
      transit: Transit,
      by?: Jid,
    ): Awaitable<void> {
      // What one says to oneself is copied as received.
      if (!stanza.to || stanza.to.bare.equals(account)) return
      return chain(live.sessions(account), entries => {
        const others = enabled(entries, by)
        if (others.length === 0 || !isConversation(stanza, 'sent')) return
        if (stanza.id !== undefined) copied.add(keyOf(account, stanza.to!, stanza.id))
        const shown = archiveId === undefined ? stanza : identified(stanza, account, archiveId)
        return copy(others, account, shown, 'sent', transit)
      })
    }

    function copyReceived({ stanza, account, transit }: InboundMessage): Awaitable<void> {
      return chain(live.sessions(account), entries => {
        const others = enabled(entries, transit.session?.jid)
        if (others.length === 0) return
        return chain(isEligible(stanza, account), eligible => {
          if (!eligible) return
          const targets = targetsOf(stanza, account, entries)
          // It is going to be refused.
          if (targets.length === 0 && stanza.type !== 'error' && !mayWait(stanza)) return
          const missed = others.filter(entry => !targets.includes(entry))
          copy(missed, account, stanza, 'received', transit)
        })
      })
    }

    /** XEP-0280 §6.1: an error is copied when what it answers was. */
    function isEligible(stanza: Message, account: Jid): Awaitable<boolean> {
      const { type, from, id } = stanza
      if (type !== 'error') return isConversation(stanza, 'received')
      if (!from || id === undefined) return false
      if (copied.has(keyOf(account, from, id))) return true
      // Sent by way of another node: the archive knows what was part of a conversation.
      return live.isShared && store.messages.byOriginId(account.text, from.bare.text, id).then(row => row !== undefined)
    }

    function copy(
      entries: readonly SessionEntry[],
      account: Jid,
      stanza: Message,
      direction: Direction,
      transit: Transit,
    ): void {
      const body = Body.of([el(direction, CARBONS, null, forwarded(stanza))])
      const mid = midOf(transit)
      for (const { sid, jid } of entries) {
        const message = new Message({ type: stanza.type, from: account, to: jid }, body)
        const packet = packetOf(message, undefined, mid && `${mid}:${direction}`)
        const done = live.deliver(sid, { ...packet, urgency: urgencyOf(stanza) })
        if (isPromise(done)) transit.behind(done)
      }
    }

    return {
      iq: [
        iqSet('self', CARBONS, 'enable', turn(true)),
        iqSet('self', CARBONS, 'disable', turn(false)),
        iqSet('account', CARBONS, 'enable', refuse),
        iqSet('account', CARBONS, 'disable', refuse),
      ],
      on: [
        on(
          inbound,
          'rewrite',
          only('message', ({ stanza }) => stripForged(stanza)),
        ),
        // XEP-0386 §3.2
        on(bound2, 'observe', ({ session, request }): Awaitable<void> => {
          if (request.child('enable', CARBONS)) return session.update({ carbons: true })
        }),
        on(outbound, 'copy', only('message', copySent)),
        on(inbound, 'copy', only('message', copyReceived)),
      ],
      api: { copySent: sent } satisfies Carbons,
    }
  },
})

/** XEP-0280 §4.1, §5.1 */
function refuse(): never {
  throw new StanzaError('not-allowed', 'Carbons are for the clients of the account')
}

/** The account's other sessions that want copies. */
function enabled(entries: readonly SessionEntry[], but: Jid | undefined): readonly SessionEntry[] {
  return entries.filter(({ carbons, jid }) => carbons && !(but && jid.equals(but)))
}

/** XEP-0280 §11: copies come from the own account and never through here. */
function stripForged(stanza: Message): Verdict {
  if (!stanza.hasChildIn(CARBONS)) return
  const children = stanza.children.filter(child => typeof child === 'string' || !isCopy(child))
  if (children.length === stanza.children.length) return
  if (!children.some(child => typeof child !== 'string')) return { drop: 'a forged carbon copy' }
  return { replace: stanza.withChildren(children) }
}

function isCopy({ ns, name }: Element): boolean {
  return ns === CARBONS && (name === 'sent' || name === 'received')
}

function keyOf(account: Jid, peer: Jid, id: string): string {
  return `${account.text} ${peer.bare.text} ${id}`
}
