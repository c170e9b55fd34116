import { describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Client } from './client.ts'
import { LIMITS, now, PHONE, ROMEO, type Setting } from './setting.ts'

/** Who is there, and what reaches a session without acknowledgements. */
export function sessionSuite(at: Setting): void {
  describe('directory', () => {
    test('a session is found by its account and by its full JID', async () => {
      await at.open()
      await at.open('s2', PHONE)
      expect((await at.live.sessions(ROMEO.bare)).map(({ sid }) => sid)).toEqual(['s1', 's2'])
      expect(await at.live.session(PHONE)).toMatchObject({ sid: 's2', since: 1_000_000, presence: undefined })
      expect(await at.live.session(Jid.parse('romeo@a.test/other'))).toBeUndefined()
      expect(await at.live.sessions(Jid.parse('juliet@a.test'))).toEqual([])
      expect(await at.live.count()).toBe(2)
    })

    test('changes make a new entry and leave the old one as it was', async () => {
      await at.open()
      const before = await at.live.session(ROMEO)
      await at.live.update('s1', { carbons: true, presence: { priority: 1, show: '', xml: '', since: 0 } })
      expect(before).toMatchObject({ carbons: false, presence: undefined })
      const [after] = await at.live.sessions(ROMEO.bare)
      expect(after).toMatchObject({ carbons: true, interested: false, presence: { priority: 1 } })
      expect(await at.live.session(ROMEO)).toEqual(after)
    })

    test('a change to a session that is gone does nothing', async () => {
      await at.live.update('s1', { carbons: true })
      expect(await at.live.count()).toBe(0)
    })

    test('the same full JID again replaces the session, once', async () => {
      const first = await at.open()
      await at.live.direct('s1', PHONE, true)
      const second = new Client()
      await at.open('s2', ROMEO, second)
      await at.settled()
      expect([at.client.replacements, second.replacements]).toEqual([1, 0])
      expect(at.ended.map(({ entry, directed }) => [entry.sid, directed])).toEqual([['s1', [PHONE]]])
      expect((await at.live.sessions(ROMEO.bare)).map(({ sid }) => sid)).toEqual(['s2'])
      expect(await at.live.close('s1', first)).toBeUndefined()
      expect(await at.live.deliver('s1', now('<a/>'))).toBe('gone')
    })

    test('closing gives what is left, and only once', async () => {
      const epoch = await at.open()
      expect(await at.live.close('s1', epoch + 1)).toBeUndefined()
      expect(await at.live.close('s1', epoch)).toMatchObject({ unacked: [], directed: [], inbound: 0 })
      expect(await at.live.close('s1', epoch)).toBeUndefined()
      expect(await at.live.sessions(ROMEO.bare)).toEqual([])
      await at.settled()
      expect(at.ended).toEqual([])
    })
  })

  describe('delivery without acknowledgements', () => {
    test('packets are written in order, without numbers', async () => {
      await at.open()
      expect(await at.send(now('<a/>'), now('<b/>'))).toEqual(['ok', 'ok'])
      await at.settled()
      expect(at.client.written).toEqual([
        [0, '<a/>'],
        [0, '<b/>'],
      ])
    })

    test('what is owed is written once, though it come twice', async () => {
      await at.open()
      expect(await at.send(now('<a/>', { owed: 1n }), now('<a/>', { owed: 1n }), now('<b/>', { owed: 2n }))).toEqual([
        'ok',
        'dup',
        'ok',
      ])
      await at.settled()
      expect(at.client.xml).toBe('<a/><b/>')
    })

    test('nobody is there', async () => {
      expect(await at.send(now('<a/>'))).toEqual(['gone'])
    })
  })

  describe('catching up with the log', () => {
    test('what is owed waits in the log until nothing came any more; the rest passes', async () => {
      await at.open()
      await at.live.catchUp('s1', true)
      expect(await at.live.session(ROMEO)).toMatchObject({ catchingUp: true })
      expect(await at.live.deliver('s1', now('new', { owed: 2n }))).toBe('later')
      expect(await at.live.deliver('s1', now('old', { owed: 1n, fromLog: true }))).toBe('ok')
      expect(await at.live.deliver('s1', now('typing'))).toBe('ok')
      expect(await at.live.caughtUp('s1')).toBe(false)
      expect(await at.live.deliver('s1', now('new', { owed: 2n, fromLog: true }))).toBe('ok')
      expect(await at.live.caughtUp('s1')).toBe(true)
      expect(await at.live.session(ROMEO)).toMatchObject({ catchingUp: false })
      expect(await at.live.deliver('s1', now('live', { owed: 3n }))).toBe('ok')
      await at.settled()
      expect(at.client.xml).toBe('oldtypingnewlive')
    })

    test('can be given up', async () => {
      await at.open()
      await at.live.catchUp('s1', true)
      await at.live.catchUp('s1', false)
      expect(await at.live.deliver('s1', now('live', { owed: 1n }))).toBe('ok')
    })
  })

  describe('directed presence (RFC 6121 § 4.6)', () => {
    test('is remembered until it is taken back', async () => {
      await at.open()
      const room = Jid.parse('room@b.test/nick')
      await at.live.direct('s1', room, true)
      await at.live.direct('s1', room, true)
      await at.live.direct('s1', PHONE, true)
      expect((await at.live.directed('s1')).map(String).toSorted()).toEqual([room.text, PHONE.text].toSorted())
      await at.live.direct('s1', room, false)
      expect(await at.live.directed('s1')).toEqual([PHONE])
      expect(await at.live.directed('nobody')).toEqual([])
    })

    test('is bounded', async () => {
      await at.open()
      for (let n = 0; n < 9; n++) await at.live.direct('s1', Jid.parse(`room${n}@b.test`), true)
      expect(await at.live.directed('s1')).toHaveLength(LIMITS.directed)
    })
  })
}
