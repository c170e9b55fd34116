import { describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Client } from './client.ts'
import { later, now, PHONE, ROMEO, type Setting, xmlOf } from './setting.ts'

/** Acknowledgements, resumption, and quiet clients. */
export function queueSuite(at: Setting): void {
  describe('the queue (XEP-0198)', () => {
    const queued = async (hold = 60_000) => {
      const epoch = await at.open()
      await at.live.enableQueue('s1', hold)
      return epoch
    }

    test('packets are numbered from one, and everybody knows that they are kept', async () => {
      await at.open()
      await at.send(now('<before/>'))
      await at.live.enableQueue('s1', 0)
      await at.send(now('<a/>'), now('<b/>'))
      await at.settled()
      expect(at.client.written).toEqual([
        [0, '<before/>'],
        [1, '<a/>'],
        [2, '<b/>'],
      ])
      expect(await at.live.session(ROMEO)).toMatchObject({ queued: true })
    })

    test('a repeat has no second effect', async () => {
      await queued()
      expect(await at.send(now('<a/>'), now('<a/>'))).toEqual(['ok', 'dup'])
    })

    test('what was read from the log and taken does not come once more by itself', async () => {
      const epoch = await queued()
      await at.send(now('<a/>', { owed: 1n, fromLog: true }))
      await at.live.acknowledge('s1', epoch, 1)
      expect(await at.send(now('<a/>', { owed: 1n }))).toEqual(['dup'])
      expect(at.client.xml).toBe('<a/>')
    })

    test('an acknowledgement releases what it covers', async () => {
      const epoch = await queued()
      await at.send(now('<a/>'), now('<b/>'), now('<c/>'))
      expect(xmlOf(await at.live.acknowledge('s1', epoch, 2))).toBe('<a/><b/>')
      expect(xmlOf(await at.live.acknowledge('s1', epoch, 2))).toBe('')
      expect(await at.live.acknowledge('s1', epoch, 4)).toBe('too-high')
      expect(await at.live.acknowledge('s1', epoch, 1)).toBe('too-high')
      expect(xmlOf((await at.live.close('s1', epoch))?.unacked)).toBe('<c/>')
    })

    test('acknowledgements of another owner, or without a queue, count for nothing', async () => {
      const epoch = await queued()
      expect(await at.live.acknowledge('s1', epoch + 1, 0)).toBe('fenced')
      expect(await at.live.acknowledge('s2', 1, 0)).toBe('fenced')
      const other = await at.open('s2', PHONE)
      expect(await at.live.acknowledge('s2', other, 0)).toBe('too-high')
    })

    test('a queue that is full ends the session', async () => {
      await queued()
      const packets = ['a', 'b', 'c', 'd', 'e', 'f'].map(text => now(text))
      expect(await at.send(...packets)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'busy'])
      await at.settled()
      expect(at.client.replacements).toBe(1)
      expect(at.client.why).toBe('lost')
      expect(xmlOf(at.ended[0]?.unacked)).toBe('abcde')
      expect(await at.send(now('g'))).toEqual(['gone'])
    })

    test('a queue is full by its size too; what was acknowledged makes room, and one packet always fits', async () => {
      const epoch = await queued()
      const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(text => text.repeat(2000)) as [string, string, string, string]
      expect(await at.send(now(a, { mid: 'a' }), now(b, { mid: 'b' }))).toEqual(['ok', 'ok'])
      await at.live.acknowledge('s1', epoch, 1)
      expect(await at.send(now(c, { mid: 'c' }))).toEqual(['ok'])
      await at.live.acknowledge('s1', epoch, 3)
      expect(await at.send(now(d.repeat(3), { mid: 'd' }))).toEqual(['ok'])
      expect(await at.send(now('e'))).toEqual(['busy'])
      await at.settled()
      expect(xmlOf(at.ended[0]?.unacked)).toBe(d.repeat(3))
    })

    test('what a resuming client has taken makes room', async () => {
      const epoch = await queued()
      const [a, b] = ['a', 'b'].map(text => text.repeat(4000)) as [string, string]
      expect(await at.send(now(a, { mid: 'a' }))).toEqual(['ok'])
      await at.live.hold('s1', epoch)
      await at.live.resume('s1', ROMEO.bare, 1, at.client)
      expect(await at.send(now(b, { mid: 'b' }), now('c'))).toEqual(['ok', 'ok'])
    })

    test('what is owed and not taken is known', async () => {
      const epoch = await queued()
      await at.send(now('<a/>', { owed: 7n }), now('<b/>'), now('<c/>', { owed: 8n }))
      expect(await at.live.pending(ROMEO.bare)).toEqual(new Set([7n, 8n]))
      await at.live.acknowledge('s1', epoch, 1)
      expect(await at.live.pending(ROMEO.bare)).toEqual(new Set([8n]))
      await at.live.close('s1', epoch)
      expect(await at.live.pending(ROMEO.bare)).toEqual(new Set())
    })
  })

  describe('losing and resuming (XEP-0198 § 5)', () => {
    const held = async () => {
      const epoch = await at.open()
      await at.live.enableQueue('s1', 60_000)
      await at.send(now('<a/>'), now('<b/>'))
      expect(await at.live.inbound('s1', epoch, 4)).toBe('ok')
      expect(await at.live.hold('s1', epoch)).toBe('held')
      return epoch
    }

    test('without a queue, or one that may not be resumed, the session is over', async () => {
      const epoch = await at.open()
      expect(await at.live.hold('s1', epoch)).toBe('over')
      await at.live.enableQueue('s1', 0)
      expect(await at.live.hold('s1', epoch)).toBe('over')
      expect(await at.live.resume('s1', ROMEO.bare, 0, new Client())).toBe('gone')
      expect(await at.live.hold('s1', epoch + 1)).toBe('fenced')
    })

    test('a held session is still there, and its packets wait', async () => {
      await held()
      expect(await at.send(now('<c/>'))).toEqual(['ok'])
      await at.settled()
      expect(at.client.xml).toBe('<a/><b/>')
      expect(await at.live.sessions(ROMEO.bare)).toHaveLength(1)
    })

    test('resuming gives what was not taken; the old owner has no say any more', async () => {
      const epoch = await held()
      await at.send(now('<c/>'))
      const again = new Client()
      const resumed = await at.live.resume('s1', ROMEO.bare, 1, again)
      if (typeof resumed === 'string') throw new Error(resumed)
      expect(resumed).toMatchObject({ inbound: 4, ack: 1 })
      expect([xmlOf(resumed.released), xmlOf(resumed.unacked)]).toEqual(['<a/>', '<b/><c/>'])
      expect(resumed.epoch).toBeGreaterThan(epoch)
      expect(await at.live.inbound('s1', epoch, 5)).toBe('fenced')
      expect(await at.live.acknowledge('s1', epoch, 2)).toBe('fenced')
      expect(await at.live.hold('s1', epoch)).toBe('fenced')
      expect(await at.live.close('s1', epoch)).toBeUndefined()
      await at.send(now('<d/>'))
      await at.settled()
      expect(again.written).toEqual([[4, '<d/>']])
      await at.pass(120_000)
      await at.settled()
      expect(at.ended).toEqual([])
    })

    test('a live session can be taken over; its old stream is closed', async () => {
      await at.open()
      await at.live.enableQueue('s1', 60_000)
      await at.live.resume('s1', ROMEO.bare, 0, new Client())
      await at.settled()
      expect(at.client.replacements).toBe(1)
    })

    test('who is somebody else, or counts what was never sent, cannot resume', async () => {
      await held()
      expect(await at.live.resume('s1', Jid.parse('juliet@a.test'), 0, new Client())).toBe('gone')
      expect(await at.live.resume('nothing', ROMEO.bare, 0, new Client())).toBe('gone')
      expect(await at.live.resume('s1', ROMEO.bare, 3, new Client())).toBe('bad-h')
    })

    test('after its time a held session ends, with what it had not taken', async () => {
      await held()
      await at.pass(50_000)
      await at.settled()
      expect(at.ended).toEqual([])
      await at.pass(10_000)
      await at.settled()
      expect(xmlOf(at.ended[0]?.unacked)).toBe('<a/><b/>')
      expect(await at.live.count()).toBe(0)
      await at.pass(60_000)
      await at.settled()
      expect(at.ended).toHaveLength(1)
    })

    test('the count of handled stanzas never goes back', async () => {
      const epoch = await at.open()
      await at.live.enableQueue('s1', 60_000)
      await at.live.inbound('s1', epoch, 9)
      await at.live.inbound('s1', epoch, 3)
      expect(await at.live.close('s1', epoch)).toMatchObject({ inbound: 9 })
    })
  })

  describe('a quiet client (XEP-0352)', () => {
    test('what can wait waits until something comes that cannot', async () => {
      await at.open()
      await at.live.quiet('s1', true)
      await at.send(later('<a/>'), later('<b/>'))
      await at.settled()
      expect(at.client.xml).toBe('')
      await at.send(now('<c/>'))
      await at.settled()
      expect(at.client.xml).toBe('<a/><b/><c/>')
      await at.send(later('<d/>'))
      await at.settled()
      expect(at.client.xml).toBe('<a/><b/><c/>')
      await at.live.quiet('s1', false)
      await at.settled()
      expect(at.client.xml).toBe('<a/><b/><c/><d/>')
    })

    test('a later packet replaces what it makes worthless', async () => {
      await at.open()
      await at.live.quiet('s1', true)
      await at.send(later('<old/>', { replaces: 'x' }), later('<y/>'), later('<new/>', { replaces: 'x' }))
      await at.live.quiet('s1', false)
      await at.settled()
      expect(at.client.xml).toBe('<y/><new/>')
    })

    test('one packet more than may wait wakes the client', async () => {
      await at.open()
      await at.live.quiet('s1', true)
      await at.send(later('a'), later('b'), later('c'))
      await at.settled()
      expect(at.client.xml).toBe('')
      await at.send(later('d'))
      await at.settled()
      expect(at.client.xml).toBe('abcd')
    })

    test('what has waited and does not fit into the queue ends the session, once and whole', async () => {
      await at.open()
      await at.live.enableQueue('s1', 1000)
      await at.send(now('a'), now('b'), now('c'))
      await at.live.quiet('s1', true)
      expect(await at.send(later('d'), later('e'), later('f'), now('g'))).toEqual(['ok', 'ok', 'ok', 'busy'])
      await at.settled()
      expect(at.ended.map(({ unacked }) => unacked.map(({ xml }) => xml).join(''))).toEqual(['abcdef'])
    })

    test('what waits belongs to what is left of the session', async () => {
      const epoch = await at.open()
      await at.live.enableQueue('s1', 60_000)
      await at.live.quiet('s1', true)
      await at.send(now('a'), later('b', { owed: 3n }))
      expect(await at.live.pending(ROMEO.bare)).toEqual(new Set([3n]))
      expect(xmlOf((await at.live.close('s1', epoch))?.unacked)).toBe('ab')
    })

    test('resuming ends the quiet, and nothing is lost', async () => {
      await at.open()
      await at.live.enableQueue('s1', 60_000)
      await at.live.quiet('s1', true)
      await at.send(later('a'))
      const again = new Client()
      const resumed = await at.live.resume('s1', ROMEO.bare, 0, again)
      expect(typeof resumed === 'string' ? resumed : xmlOf(resumed.unacked)).toBe('a')
      await at.send(later('b'))
      await at.settled()
      expect(again.xml).toBe('b')
    })
  })
}
