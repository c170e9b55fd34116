import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Show } from '@parley/adapter'
import type { Seat } from '../public-im/seat.ts'
import { until } from '../public-im/seat.ts'
import { comes, JULIET, MERCUTIO, PARIS, PASSWORD, ROMEO, seat, verona } from './cast.ts'
import type { MessengerServers } from './simulator.ts'
import { line, lineWith } from './wire.ts'

const by = (key: string) => ({ key })
const says = (to: string, text: string, key = text) => ({ to: { peer: to }, text, key, receipt: false })

for (const manner of ['plain', 'bytes', 'glued'] as const)
  describe(`Messenger, servers that speak ${manner}`, () => {
    let servers: MessengerServers
    const seats: Seat[] = []
    const enters = async (address: string, show?: Show) => {
      const user = await comes(servers, address, show)
      seats.push(user)
      return user
    }
    const said = (name: string) => servers.heard.filter(({ line: { words } }) => words[0] === name)

    beforeEach(async () => {
      servers = await verona(manner)
    })

    afterEach(async () => {
      await Promise.all(seats.splice(0).map(user => user.session.stop()))
      await servers.close()
    })

    test('romeo logs in by way of another server and the sign-in service, and has his list', async () => {
      const romeo = await enters(ROMEO)
      expect((await romeo.hears('roster')).contacts).toEqual([
        { id: JULIET, name: 'juliet!', groups: ['True love'], subscription: 'both' },
        { id: MERCUTIO, name: 'mercutio!', groups: [], subscription: 'to' },
      ])
    })

    test('a wrong password is refused', async () => {
      const refused = { name: 'AdapterError', failure: 'credentials' }
      await expect(seat(servers, ROMEO, 'guess').session.start()).rejects.toMatchObject(refused)
      await expect(seat(servers, 'no address').session.start()).rejects.toMatchObject(refused)
    })

    test('who was invisible is so at the next login, from the beginning', async () => {
      const juliet = await enters(JULIET)
      const kept = new Map<string, string>()
      const romeo = seat(servers, ROMEO, PASSWORD, kept)
      await romeo.session.start()
      await romeo.session.setPresence?.({ show: 'invisible' }, by('i'))
      await romeo.session.stop()
      await juliet.hears('presence', event => event.presence.show === 'unavailable')
      const again = seat(servers, ROMEO, PASSWORD, kept)
      seats.push(again)
      await again.session.start()
      await again.session.setPresence?.({ show: 'dnd' }, by('d'))
      await juliet.hears('presence', event => event.presence.show === 'dnd')
      const shows = juliet.events.flatMap(event => (event.type === 'presence' ? [event.presence.show] : []))
      expect(shows.filter(show => show !== 'unavailable')).toEqual(['available', 'dnd'])
    })

    test.each<[Show, Show, string]>([
      ['available', 'available', 'NLN'],
      ['chat', 'available', 'NLN'],
      ['away', 'away', 'AWY'],
      ['xa', 'away', 'AWY'],
      ['dnd', 'dnd', 'BSY'],
    ])('romeo is %s, and juliet sees %s (%s)', async (show, sees, code) => {
      const juliet = await enters(JULIET)
      const romeo = await enters(ROMEO, 'invisible')
      await romeo.session.setPresence?.({ show, text: 'Ay < me & "woe" 🌹' }, by('p'))
      await juliet.hears('presence', event => event.presence.show === sees && event.presence.native === code)
      const withText = await juliet.hears('presence', event => event.presence.text !== undefined)
      expect(withText.presence).toEqual({ show: sees, native: code, text: 'Ay < me & "woe" 🌹' })
    })

    test.each<[string, Show]>([
      ['NLN', 'available'],
      ['AWY', 'away'],
      ['BRB', 'away'],
      ['IDL', 'away'],
      ['LUN', 'xa'],
      ['BSY', 'dnd'],
      ['PHN', 'dnd'],
    ])('the status %s is %s', async (code, show) => {
      const romeo = await enters(ROMEO)
      servers.says(ROMEO, line('NLN', code, JULIET, 'Juliet', 0))
      expect((await romeo.hears('presence')).presence).toEqual({ show, native: code })
      servers.says(ROMEO, line('FLN', JULIET))
      expect((await romeo.hears('presence')).presence).toEqual({ show: 'unavailable' })
    })

    test('who is invisible is gone for the others', async () => {
      const juliet = await enters(JULIET)
      const romeo = await enters(ROMEO)
      await juliet.hears('presence', event => event.presence.show === 'available')
      await romeo.session.setPresence?.({ show: 'invisible' }, by('i'))
      await juliet.hears('presence', event => event.presence.show === 'unavailable')
      await expect(romeo.session.send?.(says(JULIET, 'Psst'))).rejects.toMatchObject({ failure: 'unsupported' })
    })

    test('who is there already is seen with the personal message', async () => {
      const juliet = await enters(JULIET)
      await juliet.session.setPresence?.({ show: 'dnd', text: 'On the balcony' }, by('1'))
      const romeo = await enters(ROMEO)
      const { presence } = await romeo.hears('presence', event => event.presence.text !== undefined)
      expect(presence).toEqual({ show: 'dnd', native: 'BSY', text: 'On the balcony' })
    })

    test('they talk in one conversation: emoji, right to left, lines, and a long one', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      const lines = [
        'Speak again, bright angel! 👩‍❤️‍👨',
        'שלום · مرحبا',
        'two\nlines',
        'x'.repeat(1400),
        '\u007fMSG 5 A 10',
      ]
      // What is said while it rings waits, in its order.
      const sent = lines.map(text => romeo.session.send?.(says(JULIET, text)))
      for (const text of lines)
        expect(await juliet.hears('message')).toEqual({ type: 'message', peer: ROMEO, text, origin: 'remote' })
      expect(await Promise.all(sent)).toEqual(lines.map(() => ({ level: 'delivered' })))
      await juliet.session.send?.(says(ROMEO, 'Ay me!'))
      expect((await romeo.hears('message')).text).toBe('Ay me!')
      expect(said('XFR')).toHaveLength(1)
    })

    test('a conversation is closed when nobody says anything, and opened again', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      await romeo.session.send?.(says(JULIET, 'One'))
      romeo.clock.pass(5 * 60_000)
      await until('romeo has left', () => servers.switchboards.heard.some(({ words }) => words[0] === 'OUT'))
      await romeo.session.send?.(says(JULIET, 'Two'))
      await juliet.hears('message', event => event.text === 'Two')
      expect(said('XFR')).toHaveLength(2)
    })

    test('a message that does not arrive, and one to somebody who is away, are refused', async () => {
      const romeo = await enters(ROMEO)
      await expect(romeo.session.send?.(says(JULIET, 'Where?'))).rejects.toMatchObject({ failure: 'not-found' })
      await enters(JULIET)
      servers.switchboards.deaf = JULIET
      await expect(romeo.session.send?.(says(JULIET, 'Here?'))).rejects.toMatchObject({ failure: 'not-found' })
    })

    test('what comes twice under a key is said once', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      await romeo.session.send?.(says(JULIET, 'Once', 'k1'))
      await romeo.session.send?.(says(JULIET, 'Once', 'k1'))
      await romeo.session.send?.(says(JULIET, 'Last', 'k2'))
      await juliet.hears('message', event => event.text === 'Last')
      expect(juliet.count('message')).toBe(2)
    })

    test('typing is said every five seconds until it is over; a nudge', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      await romeo.session.typing?.({ peer: JULIET }, 'composing', by('t'))
      expect(await juliet.hears('typing')).toMatchObject({ peer: ROMEO, state: 'composing' })
      romeo.clock.pass(5000)
      await juliet.hears('typing')
      await romeo.session.typing?.({ peer: JULIET }, 'paused', by('u'))
      romeo.clock.pass(20_000)
      await romeo.session.attention?.({ peer: JULIET }, by('n'))
      expect(await juliet.hears('attention')).toMatchObject({ peer: ROMEO })
      expect(juliet.count('typing')).toBe(2)
    })

    test('a file is declined with words', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      await romeo.session.send?.(says(JULIET, 'A picture for you'))
      const offer =
        'MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsinvite; charset=UTF-8\r\n\r\n' +
        'Application-Name: File Transfer\r\nInvitation-Command: INVITE\r\nInvitation-Cookie: 4711\r\n'
      servers.switchboards.mouths.at(-1)?.say(lineWith(offer, 'MSG', ROMEO, 'Romeo'))
      expect((await juliet.hears('notice')).text).toContain(ROMEO)
      await until('the answer', () =>
        servers.switchboards.heard.some(({ body }) => body.includes('Invitation-Cookie: 4711')),
      )
    })

    test('a conference is left', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      await romeo.session.send?.(says(JULIET, 'Alone?'))
      servers.switchboards.mouths.at(-1)?.say(line('JOI', PARIS, 'Paris', 0))
      expect((await juliet.hears('notice')).text).toContain(PARIS)
      await until('juliet has left', () =>
        servers.switchboards.heard.some(({ from, words }) => from === JULIET && words[0] === 'OUT'),
      )
    })

    test('romeo adds paris, who allows it, and renames and moves him', async () => {
      const romeo = await enters(ROMEO)
      const paris = await enters(PARIS)
      await romeo.session.addContact?.(PARIS, { name: 'The County', groups: ['Rivals & co'] }, by('a'))
      const added = { id: PARIS, name: 'The County', groups: ['Rivals & co'], subscription: 'to' }
      expect((await romeo.hears('contact')).contact).toEqual(added)
      expect(await paris.hears('request')).toEqual({ type: 'request', id: ROMEO })
      await paris.session.answer?.(ROMEO, true, by('y'))
      expect(servers.lists(PARIS)).toEqual({ forward: [], allow: [ROMEO], block: [] })
      await romeo.session.renameContact?.(PARIS, 'That man', by('r'))
      await romeo.session.regroupContact?.(PARIS, ['True love', 'Enemies'], by('g'))
      expect(servers.lists(ROMEO).forward.at(-1)).toEqual([PARIS, 'That man', 'True love', 'Enemies'])
      await romeo.session.removeContact?.(PARIS, by('d'))
      expect(servers.lists(ROMEO).forward).toHaveLength(2)
      expect(await romeo.hears('contact-gone')).toMatchObject({ id: PARIS })
    })

    test('who waits for a word is asked for again at the next login, and refused', async () => {
      const mercutio = await enters(MERCUTIO)
      expect(await mercutio.hears('request')).toMatchObject({ id: ROMEO })
      await mercutio.session.answer?.(ROMEO, false, by('n'))
      expect(servers.lists(MERCUTIO).block).toEqual([ROMEO])
      await mercutio.session.stop()
      const again = await enters(MERCUTIO)
      await again.session.ping?.()
      expect(again.count('request')).toBe(0)
      expect((await again.hears('roster')).contacts).toMatchObject([{ id: ROMEO, blocked: true }])
    })

    test('somebody who does not exist cannot be added', async () => {
      const romeo = await enters(ROMEO)
      const adding = romeo.session.addContact?.('rosaline@capulet.example', {}, by('a'))
      await expect(adding).rejects.toMatchObject({ failure: 'not-found' })
    })

    test('who is blocked sees nobody, until unblocked', async () => {
      const juliet = await enters(JULIET)
      const romeo = await enters(ROMEO)
      await romeo.session.block?.(JULIET, true, by('b'))
      expect(servers.lists(ROMEO)).toMatchObject({ allow: [MERCUTIO], block: [JULIET] })
      await expect(juliet.session.send?.(says(ROMEO, 'Why?'))).rejects.toMatchObject({ failure: 'not-found' })
      await romeo.session.block?.(JULIET, false, by('u'))
      expect(servers.lists(ROMEO)).toMatchObject({ block: [] })
    })

    test('the challenge is answered, a ping too', async () => {
      const romeo = await enters(ROMEO)
      servers.challenge(ROMEO)
      await romeo.session.ping?.()
      await until('the proof', () => servers.proven === 1)
      const before = said('PNG').length
      romeo.clock.pass(45_000)
      await until('a sign of life', () => said('PNG').length > before)
    })

    test('romeo logs in elsewhere, and this session ends for good', async () => {
      const romeo = await enters(ROMEO)
      await enters(ROMEO)
      expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'replaced' })
      expect(romeo.clock.running).toBe(0)
    })

    test('the connection breaks; a new session has the list again and no message twice', async () => {
      const romeo = await enters(ROMEO)
      const juliet = await enters(JULIET)
      await juliet.session.send?.(says(ROMEO, 'Before'))
      await romeo.hears('message')
      servers.cut()
      expect((await romeo.hears('ended')).error).toMatchObject({ failure: 'transient' })
      await juliet.hears('ended')
      expect(romeo.clock.running).toBe(0)
      const again = await enters(ROMEO)
      const back = await enters(JULIET)
      await back.session.send?.(says(ROMEO, 'After'))
      expect((await again.hears('roster')).contacts).toHaveLength(2)
      expect((await again.hears('message')).text).toBe('After')
      expect(again.count('message')).toBe(1)
    })

    test('nothing secret is logged or said', async () => {
      const romeo = await enters(ROMEO)
      await romeo.session.ping?.()
      const wrong = seat(servers, ROMEO, 'my other secret')
      const error = await wrong.session.start().catch((failure: Error) => failure)
      const all = JSON.stringify([romeo.events, romeo.log, wrong.events, wrong.log, String(error)])
      for (const secret of [PASSWORD, 'my other secret', 't=ticket']) expect(all).not.toContain(secret)
    })
  })
