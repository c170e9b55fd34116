import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import type { Packet, SessionEntry } from '@parley/live'
import type { Host } from './host.ts'
import type { Server } from './server.ts'
import { Session } from './session.ts'
import type { ClientStream } from './stream/stream.ts'

/** A session whose network takes what was written when the test says so. */
function onSlowNetwork() {
  const cleared: bigint[] = []
  const flushes: (() => void)[] = []
  const messages = { clearOwed: (_: string, ids: readonly bigint[]) => cleared.push(...ids) }
  const server = { store: { messages } } as unknown as Server
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
