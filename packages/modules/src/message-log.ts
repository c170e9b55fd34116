import type { Jid } from '@parley/jid'
import type { SessionEntry } from '@parley/live'
import { type Message, NS, parseStanza, StanzaError } from '@parley/stanza'
import { idText, type LogEntry, type LogRow, sentAs } from '@parley/store'
import { el } from '@parley/xml'
import {
  type Awaitable,
  chain,
  defineModule,
  type Inbound,
  inbound,
  type Outbound,
  on,
  only,
  outbound,
  type Transit,
  type Verdict,
} from '@xmpp/server-core'
import archivePreferences from './archive-preferences.ts'
import { type Fate, fateOf } from './message-rules.ts'
import type { InboundMessage } from './messages.ts'
import offlineQuota from './offline-quota.ts'
import { Recent } from './recent.ts'
import stanzaIds from './stanza-ids.ts'
import { mayWait, targetsOf } from './targets.ts'

export interface SentElsewhere {
  /**
   * A message that the account has sent by another way than a stream: its row, where the account's archive is to have one.
   * `stored` hears its id when it is durable.
   */
  log(stanza: Message, account: Jid, transit: Transit, stored: (id: bigint) => void): Awaitable<void>
}

/** Messages that came back lately. */
const REMEMBERED = 1000

/**
 * The one truth of messages between two people: a row for each side that keeps it, and one that is owed to the recipient
 * until a session has taken it. Archive and offline delivery only read and clear these rows.
 */
export default defineModule({
  name: 'message-log',
  xeps: [
    { number: 66, version: '1.5' },
    { number: 85, version: '2.1' },
    { number: 184, version: '1.4.0' },
    { number: 308, version: '1.2.1' },
    { number: 333, version: '1.0.0' },
    { number: 334, version: '0.7.0' },
    { number: 353, version: '0.8.0' },
    { number: 372, version: '0.5.0' },
    { number: 373, version: '0.7.0' },
    { number: 380, version: '0.4.0' },
    { number: 384, version: '0.9.1' },
    { number: 420, version: '0.5.0' },
    { number: 428, version: '0.2.1' },
    { number: 444, version: '0.2.1' },
    { number: 447, version: '0.3.1' },
    { number: 461, version: '0.2.1' },
    { number: 482, version: '0.1.0' },
  ],
  // Ids that others made up are gone before ours is added.
  uses: { stanzaIds, quota: offlineQuota, preferences: archivePreferences },
  setup({ domain, live, log, store: { messages }, uses: { quota, preferences } }) {
    const answered = new Recent(REMEMBERED)

    function sent(event: Omit<Outbound, 'stanza'> & { readonly stanza: Message }): Awaitable<void> {
      const { stanza, session, transit } = event
      return logSent(stanza, session.account, transit, id => {
        event.archiveId = id
      })
    }

    function logSent(stanza: Message, account: Jid, transit: Transit, stored: (id: bigint) => void): Awaitable<void> {
      const { to } = stanza
      // XEP-0313 §6.1.1: once in each archive. What one says to oneself is logged as received.
      if (!domain.archive || !to || to.bare.equals(account)) return
      if (!fateOf(stanza).keep) return
      return chain(preferences.wants(account, to), wanted => {
        if (wanted) transit.log(rowOf(stanza, account, to, { kept: true, owed: false }), stored)
      })
    }

    function isKept({ stanza, account }: InboundMessage, fate: Fate): Awaitable<boolean> {
      return fate.keep && domain.archive && preferences.wants(account, stanza.from ?? account)
    }

    function received(event: InboundMessage): Awaitable<Verdict> {
      if (event.stanza.type === 'error') return failed(event)
      const fate = fateOf(event.stanza)
      if (!fate.keep && !fate.wait) return
      return chain(live.sessions(event.account), entries => {
        const targets = targetsOf(event.stanza, event.account, entries)
        const recorded = () => chain(isKept(event, fate), kept => record(event, { ...fate, keep: kept }, targets))
        if (targets.length > 0) return recorded()
        // What is going to be refused leaves no trace (XEP-0313 §6.1).
        if (!mayWait(event.stanza)) return
        const { stanza, account } = event
        return chain(quota.admits(account, stanza.from ?? account), admitted => {
          // XEP-0160 §2
          if (!admitted) throw new StanzaError('service-unavailable', 'Too much waits for the recipient')
          return recorded()
        })
      })
    }

    /** That what was said did not arrive belongs to what was said: for the account's clients that are away now. */
    function failed(event: InboundMessage): Awaitable<Verdict> {
      const { stanza, account } = event
      const { from, id } = stanza
      if (!domain.archive || !from || id === undefined) return
      return messages.byOriginId(account.text, from.bare.text, id).then(
        row => {
          const key = `${account} ${from.bare} ${id}`
          // The row of the first error, or one that is being written.
          if (!row || row.type === 'error' || answered.has(key) || !isFrom(row, account)) return
          answered.add(key)
          record(event, { keep: true, wait: false }, [])
        },
        (error: unknown) => log.warn('an error is not archived', { error }),
      )
    }

    function record(event: InboundMessage, { keep, wait }: Fate, targets: readonly SessionEntry[]): undefined {
      const { stanza, account, transit } = event
      if (!keep && !depends(transit, targets)) return
      event.owed = wait
      // A stanza that comes again after a resumption has the id of its first time, so nobody gets it twice.
      transit.log(rowOf(stanza, account, stanza.from ?? account, { kept: keep, owed: wait }), id => {
        event.archiveId = id
        ;(event as Inbound).stanza = identified(stanza, account, id)
      })
    }

    return {
      on: [on(outbound, 'store', only('message', sent)), on(inbound, 'store', only('message', received))],
      api: { log: logSent } satisfies SentElsewhere,
    }
  },
})

/** Without an archive a row is worth its cost only where an acknowledgement or a later delivery depends on it. */
function depends(transit: Transit, targets: readonly SessionEntry[]): boolean {
  return transit.k > 0 || targets.length === 0 || targets.some(({ queued, catchingUp }) => queued || catchingUp)
}

/** Whether the account itself said what is in the row. */
export function isFrom({ stanza }: LogRow, account: Jid): boolean {
  return parseStanza(stanza).from?.bare.equals(account) ?? false
}

/** XEP-0313 §3.5: tells the recipient where its archive has the message. */
export function identified(stanza: Message, account: Jid, id: bigint): Message {
  return stanza.withBody(stanza.body.plus(el('stanza-id', NS.stanzaId, { by: account, id: idText(id) })))
}

/** The row of `owner`'s log for a message to or from `peer`. */
export function rowOf(
  stanza: Message,
  owner: Jid,
  peer: Jid,
  mark: { readonly id?: bigint; readonly kept: boolean; readonly owed: boolean },
): LogEntry {
  const originId = sentAs(stanza.id, stanza.child('origin-id', NS.stanzaId)?.attrs['id'])
  return {
    owner: owner.text,
    peer: peer.bare.text,
    type: stanza.type,
    stanza: stanza.toXml(),
    ...mark,
    ...(peer.isBare ? undefined : { resource: peer.resource }),
    ...(originId === undefined ? undefined : { originId }),
  }
}
