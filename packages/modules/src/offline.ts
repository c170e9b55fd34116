import type { Jid } from '@parley/jid'
import type { SessionEntry } from '@parley/live'
import { delay, type Message, parseStanza } from '@parley/stanza'
import { idText, idTime, type LogRow, StoreError } from '@parley/store'
import {
  type Awaitable,
  becameAvailable,
  becomingAvailable,
  defineModule,
  maybeMissed,
  on,
  only,
  outbound,
  type Session,
} from '@xmpp/server-core'
import { identified, rowOf } from './message-log.ts'
import { fateOf } from './message-rules.ts'
import messages, { type Undelivered, undelivered } from './messages.ts'
import offlineQuota from './offline-quota.ts'
import { wanting } from './targets.ts'

const PAGE = 100
const RETRY = 2000
/** How long a client may take to read what waited for it before another one gets it too. */
const PATIENCE = 2000

export interface Offline {
  /** Delivers what is owed to the account to the session of it that wants messages most, if there is one. */
  handOn(account: Jid): Promise<void>
  /** Keeps a message that no session has taken. False: it is not of the kind that waits, or there is no room. */
  keep(account: Jid, message: Message): Promise<boolean>
}

/** Messages for somebody who is away (XEP-0160): the owed rows of the log, delivered to the first session that wants them. */
export default defineModule({
  name: 'offline',
  xeps: [{ number: 160, version: '1.0.1' }],
  features: { host: ['msgoffline'] },
  uses: { messages, quota: offlineQuota },
  setup({ host, store, live, server, clock, log, uses: { quota } }) {
    const stored = store.messages

    /** One session of an account after another, so that none gets what another has got. */
    function deliver(entry: SessionEntry): Promise<void> {
      const account = entry.jid.bare
      return live
        .alone(`offline ${account}`, async () => {
          const some = (await stored.owedFor(account.text, 1)).length > 0
          // What sessions have taken lately is not owed any more, but that may still be queued.
          if (some) await stored.flush()
          const elsewhere = some ? await underWay(account) : new Set<bigint>()
          let after: bigint | undefined
          // What comes for the session meanwhile waits in the log, behind what is there: read on until nothing did.
          do after = await deliverAll(entry, elsewhere, after)
          while (!(await live.caughtUp(entry.sid)))
          if (some && live.isShared) await known(entry.sid)
        })
        .catch(async (error: unknown) => {
          if (error instanceof StoreError) againLater(entry)
          else await live.catchUp(entry.sid, false)
          throw error
        })
    }

    /** What has been written and not taken yet is known to this node alone, but for queues: others read when the marks are clear. */
    async function known(sid: string): Promise<void> {
      const session = server.sessions.get(sid)
      const stream = session?.acks ? undefined : session?.stream
      if (stream) {
        const read = new Promise<void>(resolve => stream.flushed(resolve))
        await Promise.race([read, new Promise<void>(resolve => clock.after(PATIENCE, resolve))])
      }
      await stored.flush()
    }

    /** The database is away: what comes goes on waiting behind what could not be read. */
    function againLater(entry: SessionEntry): void {
      const again = async () => {
        const present = await live.sessions(entry.jid.bare)
        if (present.some(({ sid }) => sid === entry.sid)) await deliver(entry)
      }
      clock.after(RETRY, () => {
        again().catch((error: unknown) => log.warn('messages that wait cannot be read', { error }))
      })
    }

    /** Delivers the owed rows behind `after`; gives the last one. */
    async function deliverAll(
      entry: SessionEntry,
      elsewhere: ReadonlySet<bigint>,
      after?: bigint,
    ): Promise<bigint | undefined> {
      const account = entry.jid.bare
      let last = after
      for (;;) {
        const rows = await stored.owedFor(account.text, PAGE, last)
        for (const row of rows) {
          last = row.id
          if (elsewhere.has(row.id) || (row.kept && entry.pagesArchive)) continue
          const message = readable(row, account)
          if (!message) continue
          if (!(await server.router.toSession(entry, message, { id: row.id, owed: true, late: true }))) return last
        }
        if (rows.length < PAGE) return last
      }
    }

    /** Rows that some session of the account holds already. */
    async function underWay(account: Jid): Promise<ReadonlySet<bigint>> {
      const ids = new Set(await live.pending(account))
      for (const { sid } of await live.sessions(account)) {
        for (const id of server.sessions.get(sid)?.unflushed ?? []) ids.add(id)
      }
      return ids
    }

    /** A row that cannot be read stays where it is: it must not stand in the way of those behind it. */
    function readable(row: LogRow, account: Jid): Message | undefined {
      try {
        return delayed(row, account)
      } catch (error) {
        log.error('a stored message cannot be read', { account: account.text, id: idText(row.id), error })
        return undefined
      }
    }

    function delayed({ id, stanza }: LogRow, account: Jid): Message {
      const message = identified(parseStanza(stanza) as Message, account, id)
      return message.withBody(message.body.plus(delay(host.jid, idTime(id), 'Offline Storage')))
    }

    async function handOn(account: Jid): Promise<void> {
      const [first, ...others] = wanting(await live.sessionsNow(account))
      if (!first) return
      const best = others.reduce((a, b) => (b.presence!.priority > a.presence!.priority ? b : a), first)
      await deliver(best)
    }

    async function keep(account: Jid, message: Message): Promise<boolean> {
      if (!fateOf(message).wait) return false
      const from = message.from ?? account
      if (!(await quota.admits(account, from))) return false
      await stored.append([rowOf(message, account, from, { id: stored.nextId(), kept: false, owed: true })])
      return true
    }

    async function lost(event: Undelivered): Promise<void> {
      const { account, stanza } = event
      // Who only types is not told that nobody is there to see it (XEP-0160 §3).
      const worthless = !fateOf(stanza).wait && stanza.child('body') === undefined
      event.kept ||= event.owed === true || worthless || (await keep(account, stanza))
    }

    function available({ session }: { readonly session: Session }): Awaitable<void> {
      if (wanting([session.entry]).length > 0) return deliver(session.entry)
    }

    return {
      on: [
        on(undelivered, 'observe', lost),
        on(becomingAvailable, 'observe', ({ session, priority }) => {
          // A client that pages the archive itself gets what comes at once.
          if (priority >= 0 && !session.entry.pagesArchive) return live.catchUp(session.sid, true)
        }),
        on(becameAvailable, 'observe', available),
        on(maybeMissed, 'observe', ({ entry }): Awaitable<void> => {
          if (wanting([entry]).length > 0) return deliver(entry)
        }),
        // A session may want messages later than it becomes available: its priority was negative before.
        on(
          outbound,
          'copy',
          only('presence', ({ session, transit }) => {
            const before = session.entry.presence
            if (before && before.priority < 0) transit.effect(() => available({ session }))
          }),
        ),
      ],
      api: { handOn, keep } satisfies Offline,
    }
  },
})
