import { describe, expect, test } from '@jest/globals'
import type { Presence } from '@parley/adapter'
import { HandClock, MemoryVault } from './context.ts'
import { by, CATEGORIES, gone, here, JULIET, pidf, ROMEO, stage, subscribe, tells } from './scene.ts'

describe('RFC 8048 § 5: Juliet sees Romeo', () => {
  test('she asks, he lets her, and she sees him as he is; when she goes the dialog ends and the leave stays', async () => {
    const { romeo, session, hears, left } = await stage()
    romeo.answers.set('SUBSCRIBE', '200 OK\nExpires: 3600')
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE sip:romeo@far.example')
    expect(asked.header('event')).toBe('presence')
    expect(asked.header('accept')).toContain('application/pidf+xml')
    tells(romeo, asked, 'pending;expires=3600', 1)
    await romeo.hears('SIP/2.0 200')
    tells(
      romeo,
      asked,
      'active;expires=3600',
      2,
      pidf('<p:tuple id="t"><p:status><p:basic>open</p:basic></p:status><p:note>In Mantua</p:note></p:tuple>'),
    )
    expect((await hears('contact')).contact).toEqual({ id: ROMEO, subscription: 'to', asked: false })
    await hears('presence', { user: JULIET, id: ROMEO, presence: { show: 'available', text: 'In Mantua' } })
    await session.setPresence!(gone, by)
    const left1 = await romeo.hears('SUBSCRIBE')
    expect(left1.header('expires')).toBe('0')
    expect(left1.header('to')).toContain(`;tag=far${romeo.port}`)
    tells(romeo, asked, 'terminated;reason=timeout', 3)
    await romeo.hears('SIP/2.0 200')
    expect(left()).toEqual([])
    await session.setPresence!(here, by)
    const again = await romeo.hears('SUBSCRIBE')
    expect(again.header('call-id')).not.toBe(asked.header('call-id'))
    tells(romeo, again, 'active;expires=3600', 1, pidf(''))
    await hears('presence', { presence: gone })
    expect(left()).toEqual([])
  })

  test('what users have decided lasts over a restart', async () => {
    const kv = new MemoryVault()
    const first = await stage({}, { kv })
    await first.session.addContact!(ROMEO, {}, by)
    await first.session.answer!('nurse@far.example', true, by)
    await first.stop()
    const { romeo, session } = await stage({}, { kv })
    romeo.answers.set('SUBSCRIBE', '200 OK')
    await session.setPresence!(here, by)
    await romeo.hears('SUBSCRIBE sip:romeo@far.example')
    romeo.request('SUBSCRIBE', { From: '<sip:nurse@far.example>;tag=n', ...subscribe })
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toMatch(/^active/)
  })

  test.each([
    ['terminated;reason=timeout'],
    ['terminated;reason=deactivated'],
    ['terminated;reason=giveup;retry-after=20'],
    ['terminated'],
  ])('a dialog that ends (%s) is begun again, and nobody is told that Romeo has said no', async state => {
    const clock = new HandClock()
    const { romeo, session, hears, left } = await stage({}, { clock })
    romeo.answers.set('SUBSCRIBE', '200 OK')
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    tells(romeo, asked, 'active', 1, pidf('<p:tuple id="t"><p:status><p:basic>open</p:basic></p:status></p:tuple>'))
    await hears('presence', { presence: here })
    tells(romeo, asked, state, 2)
    await romeo.hears('SIP/2.0 200')
    await romeo.hears('SIP/2.0 200')
    clock.move(31_000)
    const again = await romeo.hears('SUBSCRIBE')
    expect(again.header('to')).not.toContain('tag=')
    expect(left().filter(event => event.type === 'contact' && event.contact.subscription === 'none')).toEqual([])
  })

  test('§ 5.2.3: she does not want to see him any more; what he sees of her stays', async () => {
    const { romeo, session, hears, left } = await stage()
    romeo.answers.set('SUBSCRIBE', '200 OK\nExpires: 3600')
    romeo.answers.set('NOTIFY', '200 OK')
    await session.setPresence!(here, by)
    await session.answer!(ROMEO, true, by)
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    tells(romeo, asked, 'active', 1, open(''))
    await hears('presence', { presence: here })
    await hears('contact')
    await session.leaveContact!(ROMEO, by)
    const last = await romeo.hears('SUBSCRIBE')
    expect([last.header('call-id'), last.header('expires')]).toEqual([asked.header('call-id'), '0'])
    // The last word is the notifier's (RFC 6665 § 4.1.2.3): it is heard, and says nothing new.
    tells(romeo, asked, 'terminated;reason=timeout', 2, open(''))
    await romeo.hears('SIP/2.0 200')
    await session.setPresence!({ show: 'dnd' }, by)
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toMatch(/^active/)
    await session.setPresence!(gone, by)
    await romeo.hears('NOTIFY')
    await session.setPresence!(here, by)
    await romeo.hears('NOTIFY')
    await romeo.turn()
    expect([left(), romeo.requests()]).toEqual([[], []])
  })

  test('who is removed is seen no more, and the other side is told both', async () => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('SUBSCRIBE', '200 OK\nExpires: 3600')
    romeo.answers.set('NOTIFY', '200 OK')
    await session.setPresence!(here, by)
    await session.answer!(ROMEO, true, by)
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    await session.addContact!(ROMEO, {}, by)
    tells(romeo, await romeo.hears('SUBSCRIBE'), 'active', 1, open(''))
    await hears('presence', { presence: here })
    await session.removeContact!(ROMEO, by)
    expect((await romeo.hears('SUBSCRIBE')).header('expires')).toBe('0')
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toBe('terminated;reason=rejected')
    expect((await hears('contact-gone')).id).toBe(ROMEO)
  })

  test('RFC 6665 § 4.1.3: what will not change is not asked for again, and holds', async () => {
    const clock = new HandClock()
    const { romeo, session, hears, left } = await stage({}, { clock })
    romeo.answers.set('SUBSCRIBE', '200 OK')
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    tells(romeo, asked, 'active', 1, open(''))
    await hears('presence', { presence: here })
    await hears('contact')
    tells(romeo, asked, 'terminated;reason=invariant', 2)
    await romeo.hears('SIP/2.0 200')
    await romeo.hears('SIP/2.0 200')
    clock.move(90_000_000)
    await session.setPresence!(gone, by)
    await romeo.turn()
    expect([left(), romeo.requests()]).toEqual([[], []])
    await session.setPresence!(here, by)
    await romeo.hears('SUBSCRIBE')
  })

  test('RFC 6665 § 4.1.2.2: a refresh that fails leaves the dialog as it is, until its time is over', async () => {
    const clock = new HandClock()
    const { romeo, session, hears, left } = await stage({}, { clock })
    romeo.answers.set('SUBSCRIBE', '200 OK\nExpires: 600')
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    tells(romeo, asked, 'active', 1, open(''))
    await hears('presence', { presence: here })
    await hears('contact')
    romeo.answers.set('SUBSCRIBE', '500 Server Internal Error')
    clock.move(540_000)
    expect((await romeo.hears('SUBSCRIBE')).header('call-id')).toBe(asked.header('call-id'))
    await romeo.turn()
    tells(romeo, asked, 'active', 2, open('<show xmlns="jabber:client">dnd</show>'))
    await hears('presence', { presence: { show: 'dnd' } })
    clock.move(30_000)
    expect((await romeo.hears('SUBSCRIBE')).header('call-id')).toBe(asked.header('call-id'))
    await romeo.turn()
    expect(left()).toEqual([])
    clock.move(30_000)
    await romeo.hears('SUBSCRIBE')
    await hears('presence', { presence: gone })
    romeo.answers.set('SUBSCRIBE', '200 OK')
    clock.move(121_000)
    expect((await romeo.hears('SUBSCRIBE')).header('call-id')).not.toBe(asked.header('call-id'))
  })

  test('RFC 6665 § 4.1.3: a dialog lasts as long as its NOTIFY says', async () => {
    const clock = new HandClock()
    const { romeo, session } = await stage({}, { clock })
    romeo.answers.set('SUBSCRIBE', '200 OK\nExpires: 3600')
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    await romeo.turn()
    tells(romeo, asked, 'active;expires=120', 1)
    await romeo.hears('SIP/2.0 200')
    clock.move(90_000)
    expect((await romeo.hears('SUBSCRIBE')).header('call-id')).toBe(asked.header('call-id'))
  })

  test('a dialog is refreshed before it ends', async () => {
    const clock = new HandClock()
    const { romeo, session } = await stage({}, { clock })
    romeo.answers.set('SUBSCRIBE', '200 OK\nExpires: 600')
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    tells(romeo, asked, 'pending', 1)
    await romeo.hears('SIP/2.0 200')
    clock.move(540_000)
    const again = await romeo.hears('SUBSCRIBE')
    expect(again.header('call-id')).toBe(asked.header('call-id'))
    expect(Number.parseInt(again.header('cseq'), 10)).toBeGreaterThan(Number.parseInt(asked.header('cseq'), 10))
    expect(again.first).toContain(`sip:romeo@127.0.0.1:${romeo.port}`)
  })

  test.each([['403 Forbidden'], ['404 Not Found'], ['489 Bad Event'], ['603 Decline']])('%s is a no', async status => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('SUBSCRIBE', status)
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    expect((await hears('contact')).contact).toMatchObject({ id: ROMEO, subscription: 'none' })
  })

  test('rejected later is a no', async () => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('SUBSCRIBE', '200 OK')
    await session.addContact!(ROMEO, {}, by)
    tells(romeo, await romeo.hears('SUBSCRIBE'), 'terminated;reason=rejected', 1)
    expect((await hears('contact')).contact.subscription).toBe('none')
  })

  test('503 is none: it is tried again later', async () => {
    const clock = new HandClock()
    const { romeo, session, left } = await stage({}, { clock })
    romeo.answers.set('SUBSCRIBE', '503 Service Unavailable\nRetry-After: 40')
    await session.addContact!(ROMEO, {}, by)
    await romeo.hears('SUBSCRIBE')
    await romeo.turn()
    clock.move(41_000)
    await romeo.hears('SUBSCRIBE')
    expect(left()).toEqual([])
  })

  test('423: it lasts as long as the other side wants', async () => {
    const { romeo, session } = await stage({ expires: 60 })
    romeo.answers.set('SUBSCRIBE', '423 Interval Too Brief\nMin-Expires: 1800')
    await session.addContact!(ROMEO, {}, by)
    await romeo.hears('SUBSCRIBE')
    expect((await romeo.hears('SUBSCRIBE')).header('expires')).toBe('1800')
  })

  test('a NOTIFY of no dialog, of another package, or older than one that has come', async () => {
    const { romeo, session, hears, left } = await stage()
    romeo.answers.set('SUBSCRIBE', '200 OK')
    await session.setPresence!(here, by)
    await session.addContact!(ROMEO, {}, by)
    const asked = await romeo.hears('SUBSCRIBE')
    romeo.request('NOTIFY', { Event: 'presence', 'Subscription-State': 'active' })
    await romeo.hears('SIP/2.0 481')
    tells(romeo, asked, 'active', 5, pidf('<p:tuple id="t"><p:status><p:basic>open</p:basic></p:status></p:tuple>'))
    await romeo.hears('SIP/2.0 200')
    await hears('presence')
    tells(romeo, asked, 'active', 4, pidf(''))
    await romeo.hears('SIP/2.0 481')
    tells(romeo, asked, 'active', 6, 'x', 'text/plain')
    await romeo.hears('SIP/2.0 415')
    await hears('contact')
    expect(left()).toEqual([])
  })
})

const open = (inside: string, person = '') =>
  pidf(`<p:tuple id="t"><p:status><p:basic>open</p:basic>${inside}</p:status></p:tuple>${person}`)
const activity = (name: string) => `<m:person id="p"><r:activities><r:${name}/></r:activities></m:person>`
const lync = (number: number) =>
  `<categories xmlns="http://schemas.microsoft.com/2006/09/sip/categories" uri="sip:romeo@far.example"><category name="state" instance="1" publishTime="2026-03-01T12:00:00Z"><state xmlns="http://schemas.microsoft.com/2006/09/sip/state" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="aggregateState"><availability>${number}</availability></state></category></categories>`

test('what others say of themselves, row by row', async () => {
  const { romeo, session, hears } = await stage()
  romeo.answers.set('SUBSCRIBE', '200 OK')
  await session.setPresence!(here, by)
  await session.addContact!(ROMEO, {}, by)
  const asked = await romeo.hears('SUBSCRIBE')
  const show = (word: string) => `<show xmlns="jabber:client">${word}</show>`
  const rows: [string, Presence, string?][] = [
    [open(''), { show: 'available' }],
    [open(show('chat')), { show: 'chat' }],
    [open(show('away')), { show: 'away' }],
    [open(show('xa')), { show: 'xa' }],
    [open(show('dnd')), { show: 'dnd' }],
    [open('', activity('away')), { show: 'away', native: 'rpid:away' }],
    [open('', activity('busy')), { show: 'dnd', native: 'rpid:busy' }],
    [open('', activity('on-the-phone')), { show: 'dnd', native: 'rpid:on-the-phone' }],
    [open('', activity('meeting')), { show: 'dnd', native: 'rpid:meeting' }],
    [open('', activity('lunch')), { show: 'away', native: 'rpid:lunch' }],
    [open('', activity('vacation')), { show: 'xa', native: 'rpid:vacation' }],
    [open('', activity('unknown')), { show: 'available' }],
    [
      open('', '<m:person id="p"><r:user-input last-input="2026-03-01T11:30:00Z">idle</r:user-input></m:person>'),
      { show: 'available', idleSince: Date.parse('2026-03-01T11:30:00Z') },
    ],
    [pidf('<p:tuple id="t"><p:status><p:basic>closed</p:basic></p:status></p:tuple>'), { show: 'unavailable' }],
    [pidf(''), { show: 'unavailable' }],
    [lync(3500), { show: 'available', native: 'lync:3500' }, CATEGORIES],
    [lync(5000), { show: 'away', native: 'lync:5000' }, CATEGORIES],
    [lync(6500), { show: 'dnd', native: 'lync:6500' }, CATEGORIES],
    [lync(8999), { show: 'dnd', native: 'lync:8999' }, CATEGORIES],
    [lync(9500), { show: 'dnd', native: 'lync:9500' }, CATEGORIES],
    [lync(12_500), { show: 'away', native: 'lync:12500' }, CATEGORIES],
    [lync(15_500), { show: 'away', native: 'lync:15500' }, CATEGORIES],
    [lync(18_500), { show: 'unavailable', native: 'lync:18500' }, CATEGORIES],
  ]
  for (const [i, [body, presence, type]] of rows.entries()) {
    tells(romeo, asked, 'active', i + 1, body, type)
    expect((await hears('presence')).presence).toEqual(presence)
  }
})
