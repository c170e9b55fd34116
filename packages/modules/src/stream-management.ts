import type { Ended, Outlet, Packet, Replaced } from '@parley/live'
import { NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Awaitable,
  bound2,
  type ClientStream,
  chain,
  defineModule,
  observe,
  on,
  period,
  Session,
  sessionEnded,
} from '@xmpp/server-core'
import { AckRequests } from './ack-requests.ts'
import bind2 from './bind2.ts'
import sasl2 from './sasl2.ts'
import type { Login } from './sasl2-extension.ts'

const SM = 'urn:xmpp:sm:3'
/** Counts wrap at 2³² (XEP-0198 §4). */
const WRAP = 2 ** 32
/** Ours are much shorter; what is longer is not looked for. */
const ID_LENGTH = 100

interface Resumption {
  /** `<resumed/>`, or `<failed/>`: the client may bind then. */
  readonly answer: Element
  readonly session: Session | undefined
  /** Sends again what the client has not taken; to be called behind the answer. */
  replay(): void
}

/** Acknowledgements and resumption of streams (XEP-0198). */
export default defineModule({
  name: 'stream-management',
  xeps: [{ number: 198, version: '1.6.3' }],
  uses: { bind2, sasl2 },
  config: { hold: period('5m', 'how long a lost session waits for its client; 0s: sessions cannot be resumed') },
  setup({ live, store, server, host, config, clock, log, uses: { bind2, sasl2 } }) {
    const requests = new AckRequests(clock)

    /** Starts counting both ways. What is delivered from now on is numbered. */
    function enable(session: Session, request: Element): Awaitable<Element> {
      const resumable = config.hold > 0 && ['true', '1'].includes(request.attrs['resume'] ?? '')
      const wanted = /^\d{1,9}$/.test(request.attrs['max'] ?? '') ? Number(request.attrs['max']) * 1000 : 0
      const hold = resumable ? Math.min(wanted || config.hold, config.hold) : 0
      // Counting begins with the answer: nothing may be written between the two.
      return chain(live.enableQueue(session.sid, hold), () => {
        session.acks = requests.of(session)
        session.recount()
        if (!resumable) return el('enabled', SM)
        return el('enabled', SM, { id: session.sid, resume: 'true', max: Math.floor(hold / 1000) })
      })
    }

    /** On a stream that is authenticated and not bound. */
    async function resume(stream: ClientStream, request: Element): Promise<Resumption> {
      const account = stream.account!
      const previd = request.attrs['previd'] ?? ''
      const h = countOf(request)
      if (config.hold === 0) return failure('feature-not-implemented')
      if (h === undefined || previd === '') return failure('bad-request')
      if (previd.length > ID_LENGTH) return failure('item-not-found')
      // The stream that still has it stops first, so that its last stanzas are counted.
      const local = server.sessions.get(previd)
      if (local?.account.equals(account)) await local.giveWay()
      const outlet = new Handover()
      const resumed = await live.resume(previd, account, h, outlet)
      if (resumed === 'gone') return failure('item-not-found', await store.messages.fenceSm(previd))
      if (resumed === 'bad-h') return failure('bad-request')
      const session = new Session(server, host, stream, resumed.entry, resumed.epoch)
      session.received = resumed.inbound
      session.handled = resumed.inbound
      session.acks = requests.of(session, resumed.ack)
      server.adopt(stream, session)
      clear(session, resumed.released)
      const replay = () => {
        for (const [index, packet] of resumed.unacked.entries()) session.write(resumed.ack + index + 1, packet)
        outlet.give(session)
      }
      await observe(host.observers.resumed, { session }, log)
      return { answer: el('resumed', SM, { previd, h: resumed.inbound % WRAP }), session, replay }
    }

    /** What a client has taken is owed to its account no longer. */
    function clear(session: Session, packets: readonly Packet[]): void {
      const ids = packets.flatMap(({ owed }) => (owed === undefined ? [] : [owed]))
      if (ids.length > 0) store.messages.clearOwed(session.account.text, ids)
    }

    async function acknowledged(session: Session, element: Element): Promise<void> {
      const h = countOf(element)
      if (h === undefined) return session.stream?.fail('invalid-xml', 'An acknowledgement needs a count')
      const released = await live.acknowledge(session.sid, session.epoch, h)
      if (released === 'fenced') return session.replaced('taken')
      if (released === 'too-high') {
        const extra = el('handled-count-too-high', SM, { h, 'send-count': requests.sentTo(session) % WRAP })
        return session.stream?.fail('undefined-condition', 'More acknowledged than was sent', extra)
      }
      session.acks?.answered()
      clear(session, released)
    }

    /** XEP-0198 §4: answered when all that came before has had its effects; requests in one go get one answer. */
    const answering = new WeakSet<Session>()
    function answer(session: Session): void {
      if (answering.has(session)) return
      answering.add(session)
      session.afterPending(() => {
        answering.delete(session)
        session.stream?.send(el('a', SM, { h: session.handled % WRAP }))
      })
    }

    async function resumeOn(stream: ClientStream, element: Element): Promise<void> {
      const resumption = await resume(stream, element)
      stream.send(resumption.answer)
      resumption.replay()
    }

    function receive(stream: ClientStream, element: Element): Awaitable<void> {
      const session = stream.session
      if (element.name === 'resume' && stream.account && !session) return resumeOn(stream, element)
      if (element.name === 'enable' && session && !session.acks) {
        return chain(enable(session, element), answer => stream.send(answer))
      }
      if (element.name === 'r' && session?.acks) return answer(session)
      if (element.name === 'a' && session?.acks) return acknowledged(session, element)
      // XEP-0198 §3, §5: before binding, twice, or on a stream that has a resource.
      stream.send(failure('unexpected-request').answer)
      if (element.name === 'enable' && session) stream.fail('policy-violation', 'Stream management is enabled already')
    }

    /** XEP-0198 §9.2 */
    async function finish(login: Login): Promise<readonly Element[]> {
      const request = login.request.child('resume', SM)
      if (!request) return []
      const { answer, session, replay } = await resume(login.stream, request)
      login.session = session
      login.resumed = session !== undefined
      login.behind.push(replay)
      return [answer]
    }

    /** XEP-0198 §5: who comes too late is told what had been handled, or it would send that again. */
    async function keepCount({ entry, inbound }: Ended): Promise<void> {
      if (!entry.queued || inbound === 0) return
      await store.messages.append([], { smId: entry.sid, owner: entry.jid.bare.text, k: inbound })
    }

    bind2.offer(SM)
    sasl2.extend({ order: 'resume', inline: () => (config.hold > 0 ? el('sm', SM) : undefined), finish })

    return {
      stream: [
        {
          order: 'bound',
          ns: SM,
          advertise: stream =>
            stream.account && !stream.anonymous && !stream.session?.acks ? el('sm', SM) : undefined,
          receive,
        },
      ],
      on: [
        on(sessionEnded, 'observe', keepCount),
        on(bound2, 'observe', ({ session, request, response }): Awaitable<void> => {
          const wanted = request.child('enable', SM)
          if (wanted) return chain(enable(session, wanted), answer => void response.push(answer))
        }),
      ],
      stop: requests.stop,
    }
  },
})

function failure(condition: string, handled?: number): Resumption {
  const h = handled === undefined ? undefined : handled % WRAP
  const answer = el('failed', SM, { h }, el(condition, NS.stanzaErrors))
  return { answer, session: undefined, replay: () => {} }
}

function countOf(element: Element): number | undefined {
  const h = element.attrs['h']
  if (h === undefined || !/^\d{1,10}$/.test(h)) return undefined
  return Number(h) < WRAP ? Number(h) : undefined
}

/** Stands in for a session while it is being resumed: keeps what comes until the client has had the answer. */
class Handover implements Outlet {
  #waiting: [n: number, packet: Packet][] | undefined = []
  #session: Session | undefined
  #replaced: Replaced | undefined

  write(n: number, packet: Packet): void {
    if (this.#waiting) this.#waiting.push([n, packet])
    else this.#session?.write(n, packet)
  }

  replaced(why: Replaced): void {
    this.#replaced = why
    this.#session?.replaced(why)
  }

  give(session: Session): void {
    this.#session = session
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const [n, packet] of waiting) session.write(n, packet)
    if (this.#replaced) session.replaced(this.#replaced)
  }
}
