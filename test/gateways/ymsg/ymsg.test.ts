import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Show } from '@parley/adapter'
import type { Seat } from '../public-im/seat.ts'
import { until } from '../public-im/seat.ts'
import { comes, PASSWORD, seat, verona } from './cast.ts'
import type { YahooServer } from './simulator.ts'

const by = (key: string) => ({ key })
const says = (to: string, text: string, key = text) => ({ to: { peer: to }, text, key, receipt: false })

for (const manner of ['plain', 'bytes', 'glued'] as const)
  describe(`Yahoo! Messenger, a server that speaks ${manner}`, () => {
    let server: YahooServer
    const seats: Seat[] = []
    const enters = async (name: string) => {
      const user = await comes(server, name)
      seats.push(user)
      return user
    }

    beforeEach(async () => {
      server = await verona(manner)
    })

    afterEach(async () => {
      await Promise.all(seats.splice(0).map(user => user.session.stop()))
      await server.close()
    })

    test('romeo logs in, whatever order the challenge asks for', async () => {
      for (let login = 0; login < 8; login++) {
        const romeo = await comes(server, 'romeo')
        await romeo.session.stop()
      }
    })

    test('romeo has his list: groups, and whom he ignores', async () => {
      const romeo = await enters('romeo')
      const { contacts } = await romeo.hears('roster')
      expect(contacts).toEqual([
        { id: 'juliet', groups: ['Capulets', 'My friends'], subscription: 'both' },
        { id: 'mercutio', groups: ['My friends'], subscription: 'both' },
        { id: 'paris', groups: [], subscription: 'none', blocked: true },
      ])
    })

    test('a wrong password and a name that nobody has are refused', async () => {
      const refused = { name: 'AdapterError', failure: 'credentials' }
      await expect(seat(server, 'romeo', 'guess').session.start()).rejects.toMatchObject(refused)
      await expect(seat(server, 'rosaline').session.start()).rejects.toMatchObject(refused)
      server.locked = 'juliet'
      await expect(seat(server, 'juliet').session.start()).rejects.toMatchObject({ failure: 'denied' })
    })

    test('who is there already is seen, and who comes and goes', async () => {
      const juliet = await enters('juliet')
      await juliet.session.setPresence?.({ show: 'available', text: 'On the balcony' }, by('1'))
      const romeo = await enters('romeo')
      const seen = await romeo.hears('presence', event => event.id === 'juliet')
      expect(seen.presence).toEqual({ show: 'available', text: 'On the balcony', native: '99' })
      await juliet.hears('presence', event => event.id === 'romeo' && event.presence.show === 'available')
      await romeo.session.stop()
      await juliet.hears('presence', event => event.id === 'romeo' && event.presence.show === 'unavailable')
    })

    test.each<[Show, string | undefined, Show, string | undefined]>([
      ['chat', undefined, 'available', undefined],
      ['away', undefined, 'away', 'Be right back'],
      ['xa', undefined, 'xa', 'Not at home'],
      ['dnd', undefined, 'dnd', undefined],
      ['available', 'Lark or nightingale?', 'available', 'Lark or nightingale?'],
      ['dnd', 'Fighting 🗡', 'away', 'Fighting 🗡'],
      ['invisible', undefined, 'unavailable', undefined],
    ])('romeo is %s (%s), and juliet sees %s (%s)', async (show, text, sees, reads) => {
      const juliet = await enters('juliet')
      const romeo = await enters('romeo')
      await juliet.hears('presence', event => event.presence.show === 'available')
      await romeo.session.setPresence?.({ show, ...(text ? { text } : {}) }, by('p'))
      const { presence } = await juliet.hears('presence')
      expect({ show: presence.show, text: presence.text }).toEqual({ show: sees, text: reads })
    })

    test.each<[string, Show]>([
      ...['1', '4', '9', '999'].map(code => [code, 'away'] as [string, Show]),
      ...['3', '5', '7', '8'].map(code => [code, 'xa'] as [string, Show]),
      ['2', 'dnd'],
      ['6', 'dnd'],
      ['0', 'available'],
    ])('the status %s is %s', async (code, show) => {
      const romeo = await enters('romeo')
      server.says('romeo', 0x03, [
        [7, 'juliet'],
        [10, code],
        [137, '60'],
        [13, '1'],
      ])
      const { presence } = await romeo.hears('presence')
      expect(presence).toMatchObject({ show, native: code, idleSince: romeo.clock.now() - 60_000 })
    })

    test('they talk: emoji, right to left, and a long one', async () => {
      const romeo = await enters('romeo')
      const juliet = await enters('juliet')
      const lines = [
        'Speak again, bright angel! 👩‍❤️‍👨',
        'שלום · مرحبا',
        'two\nlines',
        'x'.repeat(800),
        '<3 & <b> are words?',
      ]
      for (const line of lines) {
        expect(await romeo.session.send?.(says('juliet', line))).toEqual({ level: 'sent' })
        const heard = await juliet.hears('message')
        expect(heard).toEqual({ type: 'message', peer: 'romeo', text: line, origin: 'remote' })
      }
      await juliet.session.send?.(says('romeo', 'Ay me!'))
      expect((await romeo.hears('message')).text).toBe('Ay me!')
    })

    test('what comes twice under a key is said once', async () => {
      const romeo = await enters('romeo')
      const juliet = await enters('juliet')
      await romeo.session.send?.(says('juliet', 'Once', 'k1'))
      await romeo.session.send?.(says('juliet', 'Once', 'k1'))
      await romeo.session.send?.(says('juliet', 'Last', 'k2'))
      await juliet.hears('message', event => event.text === 'Last')
      expect(juliet.count('message')).toBe(2)
    })

    test('typing and a buzz', async () => {
      const romeo = await enters('romeo')
      const juliet = await enters('juliet')
      await romeo.session.typing?.({ peer: 'juliet' }, 'composing', by('t'))
      expect(await juliet.hears('typing')).toMatchObject({ peer: 'romeo', state: 'composing' })
      await romeo.session.typing?.({ peer: 'juliet' }, 'paused', by('u'))
      expect(await juliet.hears('typing')).toMatchObject({ peer: 'romeo', state: 'paused' })
      await romeo.session.attention?.({ peer: 'juliet' }, by('b'))
      expect(await juliet.hears('attention')).toMatchObject({ peer: 'romeo' })
      await romeo.session.send?.(says('juliet', '<ding>'))
      expect((await juliet.hears('message')).text).toBe('< ding>')
    })

    test('messages wait for who is away, with their time', async () => {
      const romeo = await enters('romeo')
      await romeo.session.send?.(says('juliet', 'First'))
      await romeo.session.send?.(says('juliet', 'Second'))
      await until('both wait', () => server.heard.filter(packet => packet.service === 0x06).length === 2)
      const juliet = await enters('juliet')
      const at = 1_163_800_000_000
      expect(await juliet.hears('message')).toMatchObject({ peer: 'romeo', text: 'First', at })
      expect(await juliet.hears('message')).toMatchObject({ peer: 'romeo', text: 'Second', at })
    })

    test('romeo adds paris, who wants none of it', async () => {
      const romeo = await enters('romeo')
      const paris = await enters('paris')
      await romeo.session.addContact?.('paris', { groups: ['Rivals'], text: 'Sir?' }, by('a'))
      expect((await romeo.hears('contact')).contact).toMatchObject({
        id: 'paris',
        groups: ['Rivals'],
        subscription: 'both',
      })
      expect(await paris.hears('request')).toEqual({ type: 'request', id: 'romeo', text: 'Sir?' })
      await paris.session.answer?.('romeo', false, by('n'))
      expect((await romeo.hears('contact')).contact).toMatchObject({ id: 'paris', subscription: 'none' })
    })

    test('somebody who does not exist cannot be added', async () => {
      const romeo = await enters('romeo')
      const adding = romeo.session.addContact?.('rosaline', {}, by('a'))
      await expect(adding).rejects.toMatchObject({ failure: 'not-found' })
    })

    test('friends move between groups, and leave the list', async () => {
      const romeo = await enters('romeo')
      await romeo.session.regroupContact?.('juliet', ['Love', 'Capulets'], by('g'))
      expect(server.groupsOf('romeo')).toEqual({ Capulets: ['juliet'], 'My friends': ['mercutio'], Love: ['juliet'] })
      await romeo.session.removeContact?.('juliet', by('r'))
      expect(server.groupsOf('romeo')).toEqual({ Capulets: [], 'My friends': ['mercutio'], Love: [] })
      expect(await romeo.hears('contact-gone')).toMatchObject({ id: 'juliet' })
    })

    test('who is ignored is not heard, and leaves the list for so long', async () => {
      const romeo = await enters('romeo')
      const paris = await enters('paris')
      await paris.session.send?.(says('romeo', 'Unheard'))
      await paris.session.ping?.()
      await romeo.session.block?.('paris', false, by('y'))
      await paris.session.send?.(says('romeo', 'Heard'))
      expect((await romeo.hears('message')).text).toBe('Heard')
      expect(romeo.count('message')).toBe(1)
      await romeo.session.block?.('juliet', true, by('x'))
      expect(server.groupsOf('romeo')).toEqual({ Capulets: [], 'My friends': ['mercutio'] })
      const blocked = await romeo.hears('contact', event => event.contact.id === 'juliet')
      expect(blocked.contact).toMatchObject({ groups: ['Capulets', 'My friends'], subscription: 'none', blocked: true })
      await romeo.session.block?.('juliet', false, by('z'))
      expect(server.groupsOf('romeo')).toEqual({ Capulets: ['juliet'], 'My friends': ['mercutio', 'juliet'] })
    })

    test('who was invisible is so at the next login, from the beginning', async () => {
      const juliet = await enters('juliet')
      const kept = new Map<string, string>()
      const romeo = seat(server, 'romeo', PASSWORD, kept)
      await romeo.session.start()
      await romeo.session.setPresence?.({ show: 'invisible' }, by('i'))
      await romeo.session.stop()
      await juliet.hears('presence', event => event.presence.show === 'unavailable')
      const again = seat(server, 'romeo', PASSWORD, kept)
      seats.push(again)
      await again.session.start()
      await again.session.setPresence?.({ show: 'dnd' }, by('d'))
      await juliet.hears('presence', event => event.presence.show === 'dnd')
      const shows = juliet.events.flatMap(event => (event.type === 'presence' ? [event.presence.show] : []))
      expect(shows.filter(show => show !== 'unavailable')).toEqual(['available', 'dnd'])
    })

    test('an invitation to a conference is declined with words', async () => {
      const romeo = await enters('romeo')
      server.says('romeo', 0x18, [
        [1, 'romeo'],
        [57, 'ball-1'],
        [50, 'mercutio'],
        [58, 'Come!'],
        [52, 'paris'],
      ])
      expect((await romeo.hears('notice')).text).toContain('mercutio has invited you to a conference')
      await until('the answer', () => server.heard.some(packet => packet.service === 0x1a))
      const { pairs } = server.heard.find(packet => packet.service === 0x1a)!
      expect(pairs.slice(0, 3)).toEqual([
        ['1', 'romeo'],
        ['3', 'mercutio'],
        ['57', 'ball-1'],
      ])
    })

    test('romeo logs in elsewhere, and this session ends for good', async () => {
      const romeo = await enters('romeo')
      const again = await enters('romeo')
      expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'replaced' })
      await again.session.ping?.()
      expect(romeo.clock.running).toBe(0)
    })

    test('the connection breaks; a new session has the list again and no message twice', async () => {
      const romeo = await enters('romeo')
      const juliet = await enters('juliet')
      await juliet.session.send?.(says('romeo', 'Before'))
      await romeo.hears('message')
      server.cut()
      expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'transient' })
      await juliet.hears('ended')
      const back = await enters('juliet')
      await back.session.send?.(says('romeo', 'Between'))
      await back.session.ping?.()
      const again = await enters('romeo')
      expect((await again.hears('roster')).contacts).toHaveLength(3)
      expect((await again.hears('message')).text).toBe('Between')
      expect(again.count('message')).toBe(1)
    })

    test('nothing secret is logged or said', async () => {
      const romeo = await enters('romeo')
      await romeo.session.ping?.()
      const wrong = seat(server, 'romeo', 'my other secret')
      const error = await wrong.session.start().catch((failure: Error) => failure)
      const all = JSON.stringify([romeo.events, romeo.log, wrong.events, wrong.log, String(error)])
      expect(all).not.toContain(PASSWORD)
      expect(all).not.toContain('my other secret')
    })
  })

describe('Yahoo! Messenger, where nothing goes on', () => {
  test('a server that says nothing is given up after half a minute', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const romeo = seat(silent.address() as AddressInfo, 'romeo')
    const met = once(silent, 'connection')
    const login = romeo.session.start()
    login.catch(() => undefined)
    await met
    await until('the clock is set', () => romeo.clock.running > 0)
    romeo.clock.pass(30_000)
    await expect(login).rejects.toMatchObject({ failure: 'transient' })
    silent.close()
  })

  test('where nobody listens, the login fails for the time being', async () => {
    const romeo = seat({ port: 1 }, 'romeo')
    await expect(romeo.session.start()).rejects.toMatchObject({ failure: 'transient' })
  })

  test('a session that is called off ends', async () => {
    const server = await verona()
    const romeo = await comes(server, 'romeo')
    romeo.abort()
    expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'transient' })
    await expect(romeo.session.send?.(says('juliet', 'Too late'))).rejects.toMatchObject({ failure: 'transient' })
    await server.close()
  })
})
