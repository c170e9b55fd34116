import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import type { Ended, Live, LiveLimits, Outlet, Packet } from '../live.ts'
import { Client } from './client.ts'

export interface DriverOptions {
  readonly limits: LiveLimits
  /** Milliseconds on a clock that never goes back, and since 1970. */
  readonly now: () => number
  readonly time: () => number
  readonly every: (check: () => void) => () => void
}
/** A new, empty driver, and another node that shares it where there are such. */
export type Driver = (options: DriverOptions) => Promise<{ readonly live: Live; readonly peer?: Live }>

const LIMITS: LiveLimits = { queue: 5, directed: 3, waiting: 3 }
const ROMEO = Jid.parse('romeo@a.test/orchard')
const PHONE = Jid.parse('romeo@a.test/phone')

const now = (xml: string, more: Partial<Packet> = {}): Packet => ({ xml, mid: xml, urgency: 'now', ...more })
const later = (xml: string, more: Partial<Packet> = {}): Packet => ({ ...now(xml, more), urgency: 'later' })

/** What every driver must do; run it over each of them. */
export function liveContract(name: string, driver: Driver): void {
  describe(`live state: ${name}`, () => {
    let live: Live
    let peer: Live | undefined
    let told: string[]
    let elapsed: number
    let check: () => void
    let ended: Ended[]
    let client: Client

    beforeEach(async () => {
      elapsed = 0
      ended = []
      client = new Client()
      told = []
      ;({ live, peer } = await driver({
        limits: LIMITS,
        now: () => elapsed,
        time: () => 1_000_000 + elapsed,
        every: task => {
          check = task
          return () => {}
        },
      }))
      const nothing = { ended() {}, stray() {}, missed() {}, told() {}, usable() {} }
      peer?.handle(nothing)
      live.handle({
        ...nothing,
        ended: end => {
          ended.push(end)
          void live.finished(end.entry.sid)
        },
        told: (_, text) => told.push(text),
      })
    })
    afterEach(async () => {
      await live.stop()
      await peer?.stop()
    })

    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise(resolve => setImmediate(resolve))
    }

    /** Resolves when all that was done has been heard of: what another node says comes behind it. */
    const settled = async () => {
      await live.count()
      if (!peer) return
      const mark = randomUUID()
      peer.tell('settled', mark)
      await until(() => told.includes(mark))
    }
    const pass = async (ms: number) => {
      elapsed += ms
      check()
      await settled()
    }
    const open = async (sid = 's1', jid = ROMEO, outlet: Outlet = client) => (await live.open(sid, jid, outlet)).epoch
    const send = async (...packets: Packet[]) => {
      const results = []
      await live.sessions(ROMEO.bare)
      for (const packet of packets) results.push(await live.deliver('s1', packet))
      return results
    }

    describe('directory', () => {
      test('a session is found by its account and by its full JID', async () => {
        await open()
        await open('s2', PHONE)
        expect((await live.sessions(ROMEO.bare)).map(({ sid }) => sid)).toEqual(['s1', 's2'])
        expect(await live.session(PHONE)).toMatchObject({ sid: 's2', since: 1_000_000, presence: undefined })
        expect(await live.session(Jid.parse('romeo@a.test/other'))).toBeUndefined()
        expect(await live.sessions(Jid.parse('juliet@a.test'))).toEqual([])
        expect(await live.count()).toBe(2)
      })

      test('changes make a new entry and leave the old one as it was', async () => {
        await open()
        const before = await live.session(ROMEO)
        await live.update('s1', { carbons: true, presence: { priority: 1, show: '', xml: '', since: 0 } })
        expect(before).toMatchObject({ carbons: false, presence: undefined })
        const [after] = await live.sessions(ROMEO.bare)
        expect(after).toMatchObject({ carbons: true, interested: false, presence: { priority: 1 } })
        expect(await live.session(ROMEO)).toEqual(after)
      })

      test('a change to a session that is gone does nothing', async () => {
        await live.update('s1', { carbons: true })
        expect(await live.count()).toBe(0)
      })

      test('the same full JID again replaces the session, once', async () => {
        const first = await open()
        await live.direct('s1', PHONE, true)
        const second = new Client()
        await open('s2', ROMEO, second)
        await settled()
        expect([client.replacements, second.replacements]).toEqual([1, 0])
        expect(ended.map(({ entry, directed }) => [entry.sid, directed])).toEqual([['s1', [PHONE]]])
        expect((await live.sessions(ROMEO.bare)).map(({ sid }) => sid)).toEqual(['s2'])
        expect(await live.close('s1', first)).toBeUndefined()
        expect(await live.deliver('s1', now('<a/>'))).toBe('gone')
      })

      test('closing gives what is left, and only once', async () => {
        const epoch = await open()
        expect(await live.close('s1', epoch + 1)).toBeUndefined()
        expect(await live.close('s1', epoch)).toMatchObject({ unacked: [], directed: [], inbound: 0 })
        expect(await live.close('s1', epoch)).toBeUndefined()
        expect(await live.sessions(ROMEO.bare)).toEqual([])
        await settled()
        expect(ended).toEqual([])
      })
    })

    describe('delivery without acknowledgements', () => {
      test('packets are written in order, without numbers', async () => {
        await open()
        expect(await send(now('<a/>'), now('<b/>'))).toEqual(['ok', 'ok'])
        await settled()
        expect(client.written).toEqual([
          [0, '<a/>'],
          [0, '<b/>'],
        ])
      })

      test('what is owed is written once, though it come twice', async () => {
        await open()
        expect(await send(now('<a/>', { owed: 1n }), now('<a/>', { owed: 1n }), now('<b/>', { owed: 2n }))).toEqual([
          'ok',
          'dup',
          'ok',
        ])
        await settled()
        expect(client.xml).toBe('<a/><b/>')
      })

      test('nobody is there', async () => {
        expect(await send(now('<a/>'))).toEqual(['gone'])
      })
    })

    describe('the queue (XEP-0198)', () => {
      const queued = async (hold = 60_000) => {
        const epoch = await open()
        await live.enableQueue('s1', hold)
        return epoch
      }

      test('packets are numbered from one, and everybody knows that they are kept', async () => {
        await open()
        await send(now('<before/>'))
        await live.enableQueue('s1', 0)
        await send(now('<a/>'), now('<b/>'))
        await settled()
        expect(client.written).toEqual([
          [0, '<before/>'],
          [1, '<a/>'],
          [2, '<b/>'],
        ])
        expect(await live.session(ROMEO)).toMatchObject({ queued: true })
      })

      test('a repeat has no second effect', async () => {
        await queued()
        expect(await send(now('<a/>'), now('<a/>'))).toEqual(['ok', 'dup'])
      })

      test('an acknowledgement releases what it covers', async () => {
        const epoch = await queued()
        await send(now('<a/>'), now('<b/>'), now('<c/>'))
        expect(xmlOf(await live.acknowledge('s1', epoch, 2))).toBe('<a/><b/>')
        expect(xmlOf(await live.acknowledge('s1', epoch, 2))).toBe('')
        expect(await live.acknowledge('s1', epoch, 4)).toBe('too-high')
        expect(await live.acknowledge('s1', epoch, 1)).toBe('too-high')
        expect(xmlOf((await live.close('s1', epoch))?.unacked)).toBe('<c/>')
      })

      test('acknowledgements of another owner, or without a queue, count for nothing', async () => {
        const epoch = await queued()
        expect(await live.acknowledge('s1', epoch + 1, 0)).toBe('fenced')
        expect(await live.acknowledge('s2', 1, 0)).toBe('fenced')
        const other = await open('s2', PHONE)
        expect(await live.acknowledge('s2', other, 0)).toBe('too-high')
      })

      test('a queue that is full ends the session', async () => {
        await queued()
        const packets = ['a', 'b', 'c', 'd', 'e', 'f'].map(text => now(text))
        expect(await send(...packets)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'busy'])
        await settled()
        expect(client.replacements).toBe(1)
        expect(xmlOf(ended[0]?.unacked)).toBe('abcde')
        expect(await send(now('g'))).toEqual(['gone'])
      })

      test('what is owed and not taken is known', async () => {
        const epoch = await queued()
        await send(now('<a/>', { owed: 7n }), now('<b/>'), now('<c/>', { owed: 8n }))
        expect(await live.pending(ROMEO.bare)).toEqual(new Set([7n, 8n]))
        await live.acknowledge('s1', epoch, 1)
        expect(await live.pending(ROMEO.bare)).toEqual(new Set([8n]))
        await live.close('s1', epoch)
        expect(await live.pending(ROMEO.bare)).toEqual(new Set())
      })
    })

    describe('losing and resuming (XEP-0198 § 5)', () => {
      const held = async () => {
        const epoch = await open()
        await live.enableQueue('s1', 60_000)
        await send(now('<a/>'), now('<b/>'))
        expect(await live.inbound('s1', epoch, 4)).toBe('ok')
        expect(await live.hold('s1', epoch)).toBe('held')
        return epoch
      }

      test('without a queue, or one that may not be resumed, the session is over', async () => {
        const epoch = await open()
        expect(await live.hold('s1', epoch)).toBe('over')
        await live.enableQueue('s1', 0)
        expect(await live.hold('s1', epoch)).toBe('over')
        expect(await live.resume('s1', ROMEO.bare, 0, new Client())).toBe('gone')
        expect(await live.hold('s1', epoch + 1)).toBe('fenced')
      })

      test('a held session is still there, and its packets wait', async () => {
        await held()
        expect(await send(now('<c/>'))).toEqual(['ok'])
        await settled()
        expect(client.xml).toBe('<a/><b/>')
        expect(await live.sessions(ROMEO.bare)).toHaveLength(1)
      })

      test('resuming gives what was not taken; the old owner has no say any more', async () => {
        const epoch = await held()
        await send(now('<c/>'))
        const again = new Client()
        const resumed = await live.resume('s1', ROMEO.bare, 1, again)
        if (typeof resumed === 'string') throw new Error(resumed)
        expect(resumed).toMatchObject({ inbound: 4, ack: 1 })
        expect([xmlOf(resumed.released), xmlOf(resumed.unacked)]).toEqual(['<a/>', '<b/><c/>'])
        expect(resumed.epoch).toBeGreaterThan(epoch)
        expect(await live.inbound('s1', epoch, 5)).toBe('fenced')
        expect(await live.acknowledge('s1', epoch, 2)).toBe('fenced')
        expect(await live.hold('s1', epoch)).toBe('fenced')
        expect(await live.close('s1', epoch)).toBeUndefined()
        await send(now('<d/>'))
        await settled()
        expect(again.written).toEqual([[4, '<d/>']])
        await pass(120_000)
        await settled()
        expect(ended).toEqual([])
      })

      test('a live session can be taken over; its old stream is closed', async () => {
        await open()
        await live.enableQueue('s1', 60_000)
        await live.resume('s1', ROMEO.bare, 0, new Client())
        await settled()
        expect(client.replacements).toBe(1)
      })

      test('who is somebody else, or counts what was never sent, cannot resume', async () => {
        await held()
        expect(await live.resume('s1', Jid.parse('juliet@a.test'), 0, new Client())).toBe('gone')
        expect(await live.resume('nothing', ROMEO.bare, 0, new Client())).toBe('gone')
        expect(await live.resume('s1', ROMEO.bare, 3, new Client())).toBe('bad-h')
      })

      test('after its time a held session ends, with what it had not taken', async () => {
        await held()
        await pass(50_000)
        await settled()
        expect(ended).toEqual([])
        await pass(10_000)
        await settled()
        expect(xmlOf(ended[0]?.unacked)).toBe('<a/><b/>')
        expect(await live.count()).toBe(0)
        await pass(60_000)
        await settled()
        expect(ended).toHaveLength(1)
      })

      test('the count of handled stanzas never goes back', async () => {
        const epoch = await open()
        await live.enableQueue('s1', 60_000)
        await live.inbound('s1', epoch, 9)
        await live.inbound('s1', epoch, 3)
        expect(await live.close('s1', epoch)).toMatchObject({ inbound: 9 })
      })
    })

    describe('catching up with the log', () => {
      test('what is owed waits in the log until nothing came any more; the rest passes', async () => {
        await open()
        await live.catchUp('s1', true)
        expect(await live.session(ROMEO)).toMatchObject({ catchingUp: true })
        expect(await live.deliver('s1', now('new', { owed: 2n }))).toBe('later')
        expect(await live.deliver('s1', now('old', { owed: 1n, fromLog: true }))).toBe('ok')
        expect(await live.deliver('s1', now('typing'))).toBe('ok')
        expect(await live.caughtUp('s1')).toBe(false)
        expect(await live.deliver('s1', now('new', { owed: 2n, fromLog: true }))).toBe('ok')
        expect(await live.caughtUp('s1')).toBe(true)
        expect(await live.session(ROMEO)).toMatchObject({ catchingUp: false })
        expect(await live.deliver('s1', now('live', { owed: 3n }))).toBe('ok')
        await settled()
        expect(client.xml).toBe('oldtypingnewlive')
      })

      test('can be given up', async () => {
        await open()
        await live.catchUp('s1', true)
        await live.catchUp('s1', false)
        expect(await live.deliver('s1', now('live', { owed: 1n }))).toBe('ok')
      })
    })

    describe('a quiet client (XEP-0352)', () => {
      test('what can wait waits until something comes that cannot', async () => {
        await open()
        await live.quiet('s1', true)
        await send(later('<a/>'), later('<b/>'))
        await settled()
        expect(client.xml).toBe('')
        await send(now('<c/>'))
        await settled()
        expect(client.xml).toBe('<a/><b/><c/>')
        await send(later('<d/>'))
        await settled()
        expect(client.xml).toBe('<a/><b/><c/>')
        await live.quiet('s1', false)
        await settled()
        expect(client.xml).toBe('<a/><b/><c/><d/>')
      })

      test('a later packet replaces what it makes worthless', async () => {
        await open()
        await live.quiet('s1', true)
        await send(later('<old/>', { replaces: 'x' }), later('<y/>'), later('<new/>', { replaces: 'x' }))
        await live.quiet('s1', false)
        await settled()
        expect(client.xml).toBe('<y/><new/>')
      })

      test('one packet more than may wait wakes the client', async () => {
        await open()
        await live.quiet('s1', true)
        await send(later('a'), later('b'), later('c'))
        await settled()
        expect(client.xml).toBe('')
        await send(later('d'))
        await settled()
        expect(client.xml).toBe('abcd')
      })

      test('what has waited and does not fit into the queue ends the session, once and whole', async () => {
        await open()
        await live.enableQueue('s1', 1000)
        await send(now('a'), now('b'), now('c'))
        await live.quiet('s1', true)
        expect(await send(later('d'), later('e'), later('f'), now('g'))).toEqual(['ok', 'ok', 'ok', 'busy'])
        await settled()
        expect(ended.map(({ unacked }) => unacked.map(({ xml }) => xml).join(''))).toEqual(['abcdef'])
      })

      test('what waits belongs to what is left of the session', async () => {
        const epoch = await open()
        await live.enableQueue('s1', 60_000)
        await live.quiet('s1', true)
        await send(now('a'), later('b', { owed: 3n }))
        expect(await live.pending(ROMEO.bare)).toEqual(new Set([3n]))
        expect(xmlOf((await live.close('s1', epoch))?.unacked)).toBe('ab')
      })

      test('resuming ends the quiet, and nothing is lost', async () => {
        await open()
        await live.enableQueue('s1', 60_000)
        await live.quiet('s1', true)
        await send(later('a'))
        const again = new Client()
        const resumed = await live.resume('s1', ROMEO.bare, 0, again)
        expect(typeof resumed === 'string' ? resumed : xmlOf(resumed.unacked)).toBe('a')
        await send(later('b'))
        await settled()
        expect(again.xml).toBe('b')
      })
    })

    describe('directed presence (RFC 6121 § 4.6)', () => {
      test('is remembered until it is taken back', async () => {
        await open()
        const room = Jid.parse('room@b.test/nick')
        await live.direct('s1', room, true)
        await live.direct('s1', room, true)
        await live.direct('s1', PHONE, true)
        expect((await live.directed('s1')).map(String).toSorted()).toEqual([room.text, PHONE.text].toSorted())
        await live.direct('s1', room, false)
        expect(await live.directed('s1')).toEqual([PHONE])
        expect(await live.directed('nobody')).toEqual([])
      })

      test('is bounded', async () => {
        await open()
        for (let n = 0; n < 9; n++) await live.direct('s1', Jid.parse(`room${n}@b.test`), true)
        expect(await live.directed('s1')).toHaveLength(LIMITS.directed)
      })
    })
  })
}

function xmlOf(packets: readonly Packet[] | string | undefined): string {
  return typeof packets === 'object' ? packets.map(({ xml }) => xml).join('') : String(packets)
}
