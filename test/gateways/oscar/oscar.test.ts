import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Show } from '@parley/adapter'
import type { Seat } from '../public-im/seat.ts'
import { until } from '../public-im/seat.ts'
import { comes, PASSWORD, seat, verona } from './cast.ts'
import type { OscarServers } from './simulator.ts'
import { long, name, text, tlv, word } from './wire.ts'

const by = (key: string) => ({ key })
const says = (to: string, words: string, key = words) => ({ to: { peer: to }, text: words, key, receipt: false })

for (const manner of ['plain', 'bytes', 'glued'] as const)
  describe(`AIM and ICQ, servers that speak ${manner}`, () => {
    let servers: OscarServers
    const seats: Seat[] = []
    const enters = async (user: string) => {
      const one = await comes(servers, user)
      seats.push(one)
      return one
    }
    const count = (family: number, subtype: number) =>
      servers.heard.filter(({ said }) => said.family === family && said.subtype === subtype).length

    beforeEach(async () => {
      servers = await verona(manner)
    })

    afterEach(async () => {
      await Promise.all(seats.splice(0).map(user => user.session.stop()))
      servers.close()
    })

    test('romeo logs in by way of two servers, and has his list', async () => {
      const romeo = await enters('Romeo M')
      expect((await romeo.hears('roster')).contacts).toEqual([
        { id: 'julietc', groups: ['Capulets', 'Friends'], subscription: 'both' },
        { id: 'mercutio', groups: ['Friends'], subscription: 'both' },
      ])
      expect(await romeo.hears('self')).toMatchObject({ id: 'romeom' })
    })

    test('a wrong password and a name that nobody has are refused', async () => {
      const refused = { name: 'AdapterError', failure: 'credentials' }
      await expect(seat(servers, 'Romeo M', 'guess').session.start()).rejects.toMatchObject(refused)
      await expect(seat(servers, 'rosaline').session.start()).rejects.toMatchObject(refused)
      await expect(seat(servers, 'no/name').session.start()).rejects.toMatchObject(refused)
    })

    test('who is there already is seen, and who comes and goes', async () => {
      const juliet = await enters('Juliet C')
      const romeo = await enters('Romeo M')
      await romeo.hears('presence', event => event.id === 'julietc' && event.presence.show === 'available')
      await juliet.hears('presence', event => event.id === 'romeom' && event.presence.show === 'available')
      await romeo.session.stop()
      await juliet.hears('presence', event => event.id === 'romeom' && event.presence.show === 'unavailable')
    })

    test.each<[Show, string | undefined, Show, string | undefined]>([
      ['away', 'At Friar Laurence’s <cell> & back', 'away', 'At Friar Laurence’s <cell> & back'],
      ['xa', undefined, 'away', 'I am away for a while'],
      ['dnd', 'Fighting 🗡', 'away', 'Fighting 🗡'],
    ])('on AIM romeo is %s (%s), and juliet sees %s (%s)', async (show, said, sees, reads) => {
      const juliet = await enters('Juliet C')
      const romeo = await enters('Romeo M')
      await romeo.session.setPresence?.({ show, ...(said ? { text: said } : {}) }, by('p'))
      const { presence } = await juliet.hears('presence', event => event.presence.text !== undefined)
      expect(presence).toEqual({ show: sees, text: reads })
      await romeo.session.setPresence?.({ show: 'chat' }, by('q'))
      await juliet.hears('presence', event => event.presence.show === 'available')
      await romeo.session.setPresence?.({ show: 'invisible' }, by('r'))
      await juliet.hears('presence', event => event.presence.show === 'unavailable')
    })

    test.each<[Show, Show, string]>([
      ['available', 'available', '0x0'],
      ['chat', 'chat', '0x20'],
      ['away', 'away', '0x1'],
      ['xa', 'xa', '0x4'],
      ['dnd', 'dnd', '0x2'],
      ['invisible', 'unavailable', ''],
    ])('on ICQ one is %s, and the other sees %s (%s)', async (show, sees, native) => {
      const other = await enters('1002')
      const one = await enters('1001')
      await other.hears('presence', event => event.presence.native === '0x0')
      await one.session.setPresence?.({ show }, by('1'))
      const { presence } = await other.hears('presence', event => (event.presence.native ?? '') === native)
      expect(presence).toEqual(native ? { show: sees, native } : { show: sees })
    })

    test.each<[number, Show]>([
      [0x13, 'dnd'],
      [0x11, 'dnd'],
      [0x05, 'xa'],
      [0x01, 'away'],
      [0x20, 'chat'],
      [0x00, 'available'],
    ])('the status %p of ICQ is %s, and comes back as it was', async (code, show) => {
      const one = await enters('1001')
      const status = [...tlv(1, word(0x50)), ...tlv(6, long(0x20030000 + code))]
      servers.says('1001', 3, 0x0b, [...name('1002'), ...word(0), ...word(2), ...status])
      const { presence } = await one.hears('presence')
      expect(presence).toEqual({ show, native: `0x${code.toString(16)}` })
      const other = await enters('1002')
      await other.session.setPresence?.(presence, by('b'))
      await one.hears('presence', event => event.presence.native === presence.native)
    })

    test('who is idle is so since when', async () => {
      const juliet = await enters('Juliet C')
      const romeo = await enters('Romeo M')
      await romeo.session.setPresence?.({ show: 'available', idleSince: romeo.clock.now() - 600_000 }, by('i'))
      const { presence } = await juliet.hears('presence', event => event.presence.idleSince !== undefined)
      expect(presence.idleSince).toBe(juliet.clock.now() - 600_000)
    })

    test('they talk: emoji, right to left, lines, and a long one', async () => {
      const romeo = await enters('Romeo M')
      const juliet = await enters('Juliet C')
      const lines = ['Plain <b>ASCII</b> & more', 'Angel! 👩‍❤️‍👨', 'שלום · مرحبا', 'two\nlines', 'é'.repeat(700)]
      for (const words of lines) {
        const ack = await romeo.session.send?.(says('julietc', words))
        expect(ack).toEqual({ id: expect.stringMatching(/^[0-9a-f]{16}$/), level: 'sent' })
        const heard = await juliet.hears('message')
        expect(heard).toEqual({ type: 'message', peer: 'romeom', id: ack?.id, text: words, origin: 'remote' })
      }
    })

    test('on ICQ words are no HTML, and between both they are what they were', async () => {
      const one = await enters('1001')
      const romeo = await enters('Romeo M')
      await one.session.send?.(says('romeom', 'a < b & c'))
      expect((await romeo.hears('message')).text).toBe('a < b & c')
      await romeo.session.send?.(says('1001', '1 < 2 & <b>'))
      expect((await one.hears('message')).text).toBe('1 < 2 & <b>')
    })

    test('HTML of programs of AIM becomes words', async () => {
      const juliet = await enters('Juliet C')
      const html = '<HTML><BODY BGCOLOR="#ffffff"><FONT FACE="Arial">Ay &lt;me&gt;&#33;<BR>Oh</FONT></BODY></HTML>'
      const part = [1, 1, ...word(text(html).length + 4), ...word(0), ...word(0), ...text(html)]
      const body = tlv(2, [5, 1, ...word(1), 1, ...part])
      servers.says('Juliet C', 4, 7, [
        ...text('12345678'),
        ...word(1),
        ...name('Romeo M'),
        ...word(0),
        ...word(0),
        ...body,
      ])
      expect((await juliet.hears('message')).text).toBe('Ay <me>!\nOh')
    })

    test('what comes twice under a key is said once; who is away or keeps us out is not written to', async () => {
      const romeo = await enters('Romeo M')
      await expect(romeo.session.send?.(says('julietc', 'Where?'))).rejects.toMatchObject({ failure: 'not-found' })
      const juliet = await enters('Juliet C')
      await romeo.session.send?.(says('julietc', 'Once', 'k1'))
      await romeo.session.send?.(says('julietc', 'Once', 'k1'))
      await juliet.session.block?.('romeom', true, by('b'))
      await expect(romeo.session.send?.(says('julietc', 'Why?'))).rejects.toMatchObject({ failure: 'blocked' })
      expect((await juliet.hears('contact')).contact).toMatchObject({ id: 'romeom', blocked: true })
      await juliet.session.block?.('romeom', false, by('u'))
      await romeo.session.send?.(says('julietc', 'Last'))
      await juliet.hears('message', event => event.text === 'Last')
      expect(juliet.count('message')).toBe(2)
    })

    test('typing begins, rests and ends', async () => {
      const romeo = await enters('Romeo M')
      const juliet = await enters('Juliet C')
      for (const state of ['composing', 'paused', 'gone'] as const) {
        await romeo.session.typing?.({ peer: 'julietc' }, state, by(state))
        expect(await juliet.hears('typing')).toMatchObject({ peer: 'romeom', state })
      }
    })

    test('on ICQ messages wait for who is away, with their time, and come once', async () => {
      const one = await enters('1001')
      await one.session.send?.(says('1002', 'First'))
      await one.session.send?.(says('1002', 'Second'))
      const other = await enters('1002')
      const at = Date.UTC(2006, 10, 17, 21, 46)
      expect(await other.hears('message')).toMatchObject({ peer: '1001', text: 'First', at })
      expect(await other.hears('message')).toMatchObject({ peer: '1001', text: 'Second', at })
      await until('the server may forget them', () => count(0x15, 2) === 4)
      await other.session.stop()
      const again = await enters('1002')
      await again.session.ping?.()
      expect(again.count('message')).toBe(0)
    })

    test('romeo adds, renames, moves and removes somebody; groups know their members', async () => {
      const romeo = await enters('Romeo M')
      await romeo.session.addContact?.('paris', { name: 'The County', groups: ['Rivals'] }, by('a'))
      const added = { id: 'paris', name: 'The County', groups: ['Rivals'], subscription: 'both' }
      expect((await romeo.hears('contact')).contact).toEqual(added)
      await romeo.session.renameContact?.('paris', 'That man', by('r'))
      expect((await romeo.hears('contact')).contact).toMatchObject({ name: 'That man' })
      await romeo.session.regroupContact?.('paris', ['Friends', 'Enemies'], by('g'))
      expect(servers.groupsOf('Romeo M')).toEqual({
        Capulets: ['Juliet C'],
        Friends: ['mercutio', 'Juliet C', 'paris'],
        Rivals: [],
        Enemies: ['paris'],
      })
      await romeo.session.removeContact?.('paris', by('d'))
      expect(servers.groupsOf('Romeo M')).toMatchObject({ Friends: ['mercutio', 'Juliet C'], Enemies: [] })
      expect(await romeo.hears('contact-gone')).toMatchObject({ id: 'paris' })
      await until('the last change is over', () => servers.open === 0)
    })

    test('the first contact of an empty list, and one who does not exist', async () => {
      const paris = await enters('paris')
      await paris.session.addContact?.('julietc', {}, by('a'))
      expect(servers.groupsOf('paris')).toEqual({ Buddies: ['julietc'] })
      await expect(paris.session.addContact?.('rosaline', {}, by('b'))).rejects.toMatchObject({
        failure: 'unsupported',
      })
    })

    test('on ICQ somebody is asked, refuses, and allows', async () => {
      const wary = await enters('1003')
      const one = await enters('1001')
      await one.session.addContact?.('1003', { text: 'please' }, by('a'))
      expect((await one.hears('contact')).contact).toMatchObject({ id: '1003', subscription: 'none', asked: true })
      expect(await wary.hears('request')).toEqual({ type: 'request', id: '1001', text: 'please' })
      await wary.session.answer?.('1001', false, by('n'))
      expect((await one.hears('contact')).contact).toMatchObject({ subscription: 'none', asked: false })
      await wary.session.answer?.('1001', true, by('y'))
      expect((await one.hears('contact')).contact).toEqual({ id: '1003', groups: ['General'], subscription: 'both' })
      await one.hears('presence', event => event.id === '1003')
    })

    test('another program of the user changes the list', async () => {
      const romeo = await enters('Romeo M')
      const item = [...word(5), ...text('paris'), ...word(1), ...word(0x777), ...word(0), ...word(0)]
      servers.says('Romeo M', 0x13, 8, item)
      expect((await romeo.hears('contact')).contact).toMatchObject({ id: 'paris', groups: ['Capulets'] })
      servers.says('Romeo M', 0x13, 0x0a, item)
      expect(await romeo.hears('contact-gone')).toMatchObject({ id: 'paris' })
    })

    test('a file is not taken, and the user is told', async () => {
      const juliet = await enters('Juliet C')
      const offer = tlv(5, [...word(0), ...text('12345678'), ...Array(16).fill(9)])
      servers.says('Juliet C', 4, 7, [
        ...text('12345678'),
        ...word(2),
        ...name('Romeo M'),
        ...word(0),
        ...word(0),
        ...offer,
      ])
      expect((await juliet.hears('notice')).text).toContain('romeom')
    })

    test('nobody speaks faster than the server allows', async () => {
      servers.limits = [10, 2500, 2000, 1500, 800, 2300, 6000]
      const romeo = await enters('Romeo M')
      const juliet = await enters('Juliet C')
      const sent = Array.from({ length: 5 }, (_, n) => romeo.session.send?.(says('julietc', `Line ${n}`)))
      await romeo.session.ping?.()
      expect(count(4, 6)).toBeLessThan(3)
      while (count(4, 6) < 5) {
        romeo.clock.pass(500)
        await romeo.session.ping?.()
      }
      await Promise.all(sent)
      for (let n = 0; n < 5; n++) expect((await juliet.hears('message')).text).toBe(`Line ${n}`)
    })

    test('romeo logs in elsewhere, and this session ends for good', async () => {
      const romeo = await enters('Romeo M')
      const again = await enters('romeom')
      expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'replaced' })
      await again.session.ping?.()
      expect(romeo.clock.running).toBe(0)
    })

    test('the connection breaks; a new session has the list again and no message twice', async () => {
      const romeo = await enters('Romeo M')
      const juliet = await enters('Juliet C')
      await juliet.session.send?.(says('romeom', 'Before'))
      await romeo.hears('message')
      servers.cut()
      expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'transient' })
      await juliet.hears('ended')
      const again = await enters('Romeo M')
      const back = await enters('Juliet C')
      await back.session.send?.(says('romeom', 'After'))
      expect((await again.hears('roster')).contacts).toHaveLength(2)
      expect((await again.hears('message')).text).toBe('After')
      expect(again.count('message')).toBe(1)
    })

    test('nothing secret is logged or said', async () => {
      const romeo = await enters('Romeo M')
      await romeo.session.ping?.()
      const wrong = seat(servers, 'Romeo M', 'my other secret')
      const error = await wrong.session.start().catch((failure: Error) => failure)
      const all = JSON.stringify([romeo.events, romeo.log, wrong.events, wrong.log, String(error)])
      for (const secret of [PASSWORD, 'my other secret', 'cookie']) expect(all).not.toContain(secret)
    })
  })
