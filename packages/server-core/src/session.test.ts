import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import type { Packet, SessionEntry } from '@parley/live'
import { el } from '@parley/xml'
import type { Host } from './host.ts'
import type { Server } from './server.ts'
import { Session } from './session.ts'
import type { ClientStream } from './stream/stream.ts'
import type { Transit } from './transit.ts'

/** A session whose network takes what was written when the test says so. */
function onSlowNetwork() {
  const cleared: bigint[] = []
  const flushes: (() => void)[] = []
  const messages = { clearOwed: (_: string, ids: readonly bigint[]) => cleared.push(...ids) }
  const server = { store: { messages }, live: { node: 'a' } } as unknown as Server
  const flushed = (done: () => void) => flushes.push(done)
  const stream = { flushed, writeStanza: () => true } as unknown as ClientStream
  const entry = { sid: 's', jid: Jid.parse('juliet@a.test/balcony') } as SessionEntry
  const session = new Session(server, {} as Host, stream, entry, 1)
  const write = (owed: bigint) =>
    session.write(0, { xml: '', mid: String(owed), owed, urgency: 'now' } satisfies Packet)
  return { session, cleared, write, flush: () => flushes.shift()!() }
}

test('what is written while something older leaves is owed until it has left too', () => {
  const { session, cleared, write, flush } = onSlowNetwork()
  write(1n)
  write(2n)
  flush()
  expect(cleared).toEqual([1n])
  expect(session.unflushed).toEqual([2n])
  write(3n)
  flush()
  expect(cleared).toEqual([1n, 2n])
  flush()
  expect(cleared).toEqual([1n, 2n, 3n])
  expect(session.unflushed).toEqual([])
})

test('what a session had begun is not done any more where others have given its node up, also behind another stream that took it', async () => {
  const done: string[] = []
  let commit = () => {}
  const committed = new Promise<void>(resolve => {
    commit = resolve
  })
  const live = { node: 'a', isShared: true }
  const router = {
    outgoing(stanza: { readonly id: string }, transit: Transit) {
      if (stanza.id === 'stored') transit.gate(committed)
      transit.effect(() => void done.push(stanza.id))
    },
  }
  const counters = { received: { client: { message: 0 } } }
  const server = { live, router, counters, store: {}, sessions: new Map() } as unknown as Server
  const entry = { sid: 's', jid: Jid.parse('juliet@a.test/balcony') } as SessionEntry
  const session = new Session(server, {} as Host, { fail: () => {} } as unknown as ClientStream, entry, 1)
  const says = (id: string) => session.receive(el('message', 'jabber:client', { id, to: 'romeo@a.test' }))

  void says('first')
  void says('stored')
  void says('waiting')
  expect(done).toEqual(['first'])
  session.replaced('taken')
  live.node = 'b'
  commit()
  await session.drained()
  expect(done).toEqual(['first'])
})
