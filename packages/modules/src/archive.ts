import type { Jid } from '@parley/jid'
import { type Message, StanzaError } from '@parley/stanza'
import { firstIdAt, idTime } from '@parley/store'
import { type Element, el } from '@parley/xml'
import {
  type Asked,
  type Awaitable,
  bound2,
  chain,
  defineModule,
  type Inline,
  inbound,
  iqGet,
  iqSet,
  type Outbound,
  on,
  only,
  outbound,
  type Request,
  type Session,
  type Verdict,
} from '@xmpp/server-core'
import { ORDER } from './archive-order.ts'
import { fin, metadata, readArchive, readerOf, sendPage } from './archive-pages.ts'
import { type ArchiveQuery, FULLTEXT, MAM, queryForm, readingOnFrom, readOnFrom, readQuery } from './archive-query.ts'
import { ArchiveSearch } from './archive-search.ts'
import messageLog from './message-log.ts'
import type { InboundMessage } from './messages.ts'
import { Recent } from './recent.ts'

/** Other archives (rooms) that accounts have asked lately, whose results may come. */
const REMEMBERED = 10_000
/** What nodes tell each other when an account asks another archive. */
const ASKED = 'asked archive'

/** Each account's own archive (XEP-0313), which is a view of the message log. */
export default defineModule({
  name: 'archive',
  xeps: [
    { number: 313, version: '1.1.3' },
    { number: 59, version: '1.0.1' },
    { number: 4, version: '2.13.2' },
    { number: 297, version: '1.0' },
    { number: 413, version: '0.2.1', partial: 'not of the items of nodes' },
    { number: 431, version: '0.2.0' },
  ],
  features: { account: [MAM, `${MAM}#extended`, `${MAM}#groupchat-field`, FULLTEXT, ORDER, `${ORDER}@${MAM}`] },
  uses: { messageLog },
  setup({ store, live, server, clock, log, route }) {
    const archive = store.messages
    const search = new ArchiveSearch({ messages: archive, words: store.words, clock, log })
    const asked = new Recent(REMEMBERED)
    /** Sessions that have read on from where they were. */
    const readOn = new WeakSet<Session>()
    server.hear(ASKED, key => asked.add(key))

    async function query(request: Request, { session, mid }: Asked): Promise<Element> {
      const { to, payload } = request
      const wanted = fromGap(readQuery(payload), session)
      const page = await readArchive(archive, to.text, wanted, readerOf(archive, search, to.text, wanted))
      await sendPage(page, wanted, request, mid, (message, once) =>
        session ? session.send(message, once) : route(message),
      )
      // Who reads on from a message has all that came before it, acknowledged or not.
      const known = readOnFrom(wanted)
      if (known !== undefined) archive.clearOwedUpTo(to.text, known)
      // XEP-0313 §6.1.1: what a client has read here need not be delivered once more.
      const read = page.rows.map(({ id }) => id)
      if (read.length > 0) archive.clearOwed(to.text, read)
      return fin(page, wanted)
    }

    /**
     * Where Redis has lost sessions, their clients may know a message and not one before it: whoever reads on from such a
     * time gets what came shortly before once more, by its ids. Once, so that a client gets further.
     */
    function fromGap(wanted: ArchiveQuery, session: Session | undefined): ArchiveQuery {
      const known = readOnFrom(wanted)
      if (known === undefined || !session || readOn.has(session)) return wanted
      readOn.add(session)
      const time = idTime(known)
      const gap = live.gaps.find(({ from, to }) => from <= time && time <= to)
      return gap ? readingOnFrom(wanted, firstIdAt(gap.from)) : wanted
    }

    /** XEP-0386 §3.2: where the archive stands, for a client that reads it instead of offline messages. */
    async function inline({ session, response }: Inline): Promise<void> {
      await session.update({ pagesArchive: true })
      response.push(await metadata(archive, session.account.text))
    }

    // ── results of other archives ──

    function remember({ stanza, session }: Outbound): void {
      if (stanza.name !== 'iq' || stanza.type !== 'set' || !stanza.to || stanza.payload.ns !== MAM) return
      const key = `${session.account.text} ${stanza.to.bare.text}`
      asked.add(key)
      // The results may come in by any node.
      live.tell(ASKED, key)
    }

    /** XEP-0313 §8.2: only who was asked, or the rooms that the account is in, may answer. */
    function stripForged({ stanza, account }: InboundMessage): Awaitable<Verdict> {
      if (!stanza.child('result', MAM)) return
      const from = (stanza.from ?? account).bare
      if (asked.has(`${account.text} ${from.text}`)) return
      return chain(isOccupant(account, from), yes => (yes ? undefined : withoutResults(stanza)))
    }

    async function isOccupant(account: Jid, room: Jid): Promise<boolean> {
      for (const { sid } of await live.sessions(account)) {
        if ((await live.directed(sid)).some(to => to.bare.equals(room))) return true
      }
      return false
    }

    return {
      iq: [
        iqSet('self', MAM, 'query', query),
        iqGet('self', MAM, 'query', () => el('query', MAM, null, queryForm())),
        iqGet('self', MAM, 'metadata', ({ to }) => metadata(archive, to.text)),
        iqSet('account', MAM, 'query', refuse),
        iqGet('account', MAM, 'query', refuse),
        iqGet('account', MAM, 'metadata', refuse),
      ],
      on: [
        on(outbound, 'rewrite', remember),
        on(inbound, 'rewrite', only('message', stripForged)),
        on(bound2, 'observe', inline),
      ],
      stop: () => search.stop(),
    }
  },
})

function refuse(): never {
  throw new StanzaError('forbidden', 'The archive belongs to somebody else')
}

function withoutResults(stanza: Message): Verdict {
  const children = stanza.children.filter(
    child => typeof child === 'string' || child.ns !== MAM || child.name !== 'result',
  )
  if (!children.some(child => typeof child !== 'string')) return { drop: 'a forged archive result' }
  return { replace: stanza.withChildren(children) }
}
