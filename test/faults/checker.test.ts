import { describe, expect, test } from '@jest/globals'
import { surelyDoubled } from './check/unsure.ts'
import { check } from './checker.ts'
import type { Event, History } from './history.ts'

const [ALICE, BOB] = ['alice@localhost/r', 'bob@localhost/r']
const STREAM = 'alice>bob'

type Body = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

/** Alice sends `count` messages in one session, which are all answered for; Bob gets what a test says. */
function history(count: number, bob: readonly (number | Body)[], more: Partial<History> = {}): History {
  const sent = Array.from({ length: count }, (_, i): Body => {
    return { what: 'sent', session: 'a1', k: i + 1, stream: STREAM, n: i + 1 }
  })
  const got = bob.map(item => (typeof item === 'number' ? arrival(item) : item))
  const clients = {
    [ALICE]: timed([...sent, { what: 'acked', session: 'a1', h: count }]),
    [BOB]: timed(got),
  }
  const accounts = ['alice@localhost', 'bob@localhost']
  const streams = [{ name: STREAM, watchers: [BOB], accounts }]
  return { streams, clients, faults: [], archives: [], end: 100_000, grace: 15_000, ...more }
}

function arrival(n: number, more: Partial<Extract<Event, { what: 'got' }>> = {}): Body {
  return { what: 'got', session: 'b1', way: 'stream', stream: STREAM, n, id: `id${n}`, ...more }
}

function timed(events: readonly Body[]): Event[] {
  return events.map((event, i) => ({ at: i * 10, ...event }) as Event)
}

const NOTHING = { lost: [], doubled: [], inverted: [], unanswered: [], ghosts: [] }

describe('the checker: messages', () => {
  test('finds nothing where there is nothing', () => {
    expect(check(history(3, [1, 2, 3]))).toMatchObject({ ...NOTHING, acked: 3, received: 3, again: 0 })
  })

  test('finds what was answered for and never came', () => {
    expect(check(history(3, [1, 3])).lost).toEqual([`${STREAM} 2 at ${BOB}`])
  })

  test('does not miss what nobody has answered for', () => {
    const { clients, ...rest } = history(3, [1, 2])
    const alice = clients[ALICE]!.map(event => (event.what === 'acked' ? { ...event, h: 2 } : event))
    expect(check({ ...rest, clients: { ...clients, [ALICE]: alice } })).toMatchObject({ ...NOTHING, acked: 2 })
  })

  test('an answer covers the session that it is for, and no other', () => {
    const sent: Body[] = [
      { what: 'sent', session: 'a1', k: 1, stream: STREAM, n: 1 },
      { what: 'sent', session: 'a2', k: 1, stream: STREAM, n: 2 },
      { what: 'acked', session: 'a2', h: 1 },
    ]
    const { clients, ...rest } = history(0, [])
    const verdict = check({ ...rest, clients: { ...clients, [ALICE]: timed(sent) } })
    expect(verdict.lost).toEqual([`${STREAM} 2 at ${BOB}`])
  })

  test('does not miss what came back as an error', () => {
    const { clients, ...rest } = history(2, [1])
    const refused: Event = { at: 50, what: 'refused', stream: STREAM, n: 2, why: 'internal-server-error' }
    const verdict = check({ ...rest, clients: { ...clients, [ALICE]: [...clients[ALICE]!, refused] } })
    expect(verdict).toMatchObject({ ...NOTHING, acked: 1, refused: 1 })
  })

  test('finds what came twice in one session', () => {
    expect(check(history(2, [1, 2, 1])).doubled).toEqual([`${STREAM} 1 at ${BOB}, 20 ms`])
  })

  test('finds what came twice with two ids, whatever the session', () => {
    expect(check(history(2, [1, 2, arrival(1, { session: 'b2', id: 'other' })])).doubled).toHaveLength(1)
  })

  test('a repeat in another session or from the archive is one that the client can tell', () => {
    const repeats = [arrival(1, { session: 'b2' }), arrival(2, { way: 'archive' })]
    expect(check(history(2, [1, 2, ...repeats]))).toMatchObject({ ...NOTHING, again: 2 })
  })

  test('finds what came before an earlier one', () => {
    expect(check(history(3, [1, 3, 2])).inverted).toEqual([`${STREAM} 2 at ${BOB}, 20 ms, behind 3`])
  })

  test('messages of another session of the sender have an order of their own', () => {
    const { clients, ...rest } = history(2, [2, 1])
    const alice = clients[ALICE]!.map(event =>
      event.what === 'sent' && event.n === 2 ? { ...event, session: 'a2' } : event,
    )
    expect(check({ ...rest, clients: { ...clients, [ALICE]: alice } }).inverted).toEqual([])
  })

  test('who pages the archive while messages come gets older ones behind newer ones, but each in order', () => {
    const page = (n: number) => arrival(n, { way: 'archive' })
    expect(check(history(5, [1, 4, page(2), page(3), 5])).inverted).toEqual([])
    expect(check(history(5, [1, 4, page(3), page(2), 5])).inverted).toHaveLength(1)
    expect(check(history(5, [1, 4, page(2), 3, 5])).inverted).toHaveLength(1)
  })

  test('when it has caught up nothing may come behind anything, whatever way that came', () => {
    const done: Body = { what: 'caughtUp', session: 'b1' }
    expect(check(history(4, [1, arrival(3, { way: 'archive' }), done, 2, 4])).inverted).toHaveLength(1)
    expect(check(history(4, [arrival(3, { session: 'b0' }), done, 1, 2, 4])).inverted).toHaveLength(2)
  })

  test('reads whole archives too', () => {
    const rows = [1, 3, 2, 2].map(n => ({ stream: STREAM, n, id: `id${n}` }))
    const verdict = check(history(4, [1, 2, 3, 4], { archives: [{ account: 'bob@localhost', rows }] }))
    expect(verdict.lost).toEqual([`${STREAM} 4 in the archive of bob@localhost`])
    expect(verdict.doubled).toEqual([`${STREAM} 2 in the archive of bob@localhost`])
    expect(verdict.inverted).toEqual([`${STREAM} 2 in the archive of bob@localhost, behind 3`])
  })
})

describe('the checker: what may come twice where another server cannot be asked (T18)', () => {
  /** The first message, sent at 0, comes at `came` and once more at the end; a front end dies at `died`. */
  function doubled(came: number, ...died: readonly number[]): readonly string[] {
    const { clients, ...rest } = history(1, [])
    const got = [came, 90_000].map(at => ({ at, ...arrival(1) }) as Event)
    const faults = died.map(at => ({ kind: 'kill front', from: at, to: at + 100 }))
    const verdict = check({ ...rest, clients: { ...clients, [BOB]: got }, faults })
    expect(verdict.doubled).toHaveLength(1)
    return surelyDoubled(verdict, faults)
  }

  test('what was under way when a front end died', () => {
    expect(doubled(5000, 1000)).toEqual([])
  })

  test('what had come shortly before, but was not written down', () => {
    expect(doubled(5000, 7900)).toEqual([])
  })

  test('not what had come long before', () => {
    expect(doubled(5000, 8100)).toHaveLength(1)
  })

  test('not what was sent after the death', () => {
    expect(doubled(5000, 0)).toHaveLength(1)
  })

  test('not where nobody died', () => {
    expect(doubled(5000)).toHaveLength(1)
  })

  test('one death of several is enough', () => {
    expect(doubled(5000, 8100, 4000, 60_000)).toEqual([])
  })

  test('not what is twice in an archive, whoever died', () => {
    const rows = [1, 1].map(n => ({ stream: STREAM, n, id: `id${n}` }))
    const faults = [{ kind: 'kill front', from: 5, to: 100 }]
    const verdict = check(history(1, [1], { archives: [{ account: 'bob@localhost', rows }], faults }))
    expect(surelyDoubled(verdict, faults)).toEqual([`${STREAM} 1 in the archive of bob@localhost`])
  })
})

describe('the checker: requests', () => {
  const asked: Body = { what: 'asked', session: 'b1', id: 'q' }
  const answered: Body = { what: 'answered', session: 'b1', id: 'q' }

  test('an answer within a minute is as it should be', () => {
    expect(check(history(0, [asked, answered]))).toMatchObject(NOTHING)
  })

  test('finds what was never answered, or late, or twice', () => {
    expect(check(history(0, [asked])).unanswered).toEqual([`q of ${BOB}`])
    expect(check(history(0, [asked, answered, answered])).doubled).toEqual([`answer q at ${BOB}`])
    const { clients, ...rest } = history(0, [asked])
    const late = [...clients[BOB]!, { at: 61_000, ...answered } as Event]
    expect(check({ ...rest, clients: { ...clients, [BOB]: late } }).unanswered).toHaveLength(1)
  })

  test('an answer that comes again in the next session, whose client knows that the one before is gone, is none too many', () => {
    const gone: Body = { what: 'failed', session: 'b1', took: 5, h: 0 }
    expect(check(history(0, [asked, answered, gone, { ...answered, session: 'b2' }]))).toMatchObject(NOTHING)
  })

  test('requests of a session that is gone die with it', () => {
    expect(check(history(0, [asked, { what: 'failed', session: 'b1', took: 5, h: 0 }]))).toMatchObject(NOTHING)
  })

  test('a request that is young is not judged', () => {
    expect(check(history(0, [asked], { end: 59_000 }))).toMatchObject(NOTHING)
  })
})

describe('the checker: ghosts', () => {
  const jid = 'mortal@localhost/m'
  const seen = (isAvailable: boolean): Body => ({ what: 'presence', from: jid, isAvailable })
  const died: Body = { what: 'died', jid, hold: 5000 }

  test('finds who is there long after the end', () => {
    expect(check(history(0, [seen(true), died])).ghosts).toEqual([jid])
  })

  test('finds who comes back after the end', () => {
    expect(check(history(0, [seen(true), died, seen(false), seen(true)])).ghosts).toEqual([jid])
  })

  test('nobody who was seen to go, or never seen at all, or has time yet', () => {
    expect(check(history(0, [seen(true), died, seen(false)])).ghosts).toEqual([])
    expect(check(history(0, [died])).ghosts).toEqual([])
    expect(check(history(0, [seen(true), died], { end: 20_000 })).ghosts).toEqual([])
  })

  test('a new session of the one who looks knows nobody', () => {
    expect(check(history(0, [seen(true), died, { what: 'bound', session: 'b2' }])).ghosts).toEqual([])
  })
})

describe('the checker: times', () => {
  test('how long a sender waits behind a fault, without the time of the next one', () => {
    const faults = [
      { kind: 'x', from: 0, to: 1000 },
      { kind: 'x', from: 1500, to: 2500 },
    ]
    const { clients, ...rest } = history(1, [1], { faults })
    const acked: Event[] = [
      { at: 10, what: 'acked', session: 'a1', h: 1 },
      { at: 2600, what: 'acked', session: 'a1', h: 2 },
    ]
    const { back } = check({ ...rest, clients: { ...clients, [ALICE]: [...clients[ALICE]!.slice(0, 1), ...acked] } })
    expect(back).toEqual({ count: 2, p50: 600, p99: 600, max: 600 })
  })

  test('how long resumptions and failures took', () => {
    const verdict = check(
      history(0, [
        { what: 'resumed', session: 'b1', took: 40, h: 0 },
        { what: 'resumed', session: 'b1', took: 60, h: 0 },
        { what: 'failed', session: 'b1', took: 7, h: 0 },
      ]),
    )
    expect(verdict.resume).toEqual({ count: 2, p50: 60, p99: 60, max: 60 })
    expect(verdict).toMatchObject({ resumes: 2, failed: 1, failing: { max: 7 } })
  })
})
