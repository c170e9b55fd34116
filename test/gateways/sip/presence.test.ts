import { afterEach, describe, expect, test } from '@jest/globals'
import type { Presence } from '@parley/adapter'
import { begin, endAll, freePort, HandClock, MemoryVault } from './context.ts'
import { type Heard, Peer } from './peer.ts'

const JULIET = 'juliet@example.org'
const ROMEO = 'romeo@far.example'
const by = { key: 'k', user: JULIET }
let peers: Peer[] = []

afterEach(async () => {
  await endAll()
  for (const peer of peers) peer.close()
  peers = []
})

async function stage(settings: object = {}, use: Parameters<typeof begin>[1] = {}) {
  const [udp, far] = [await freePort(), await freePort()]
  const romeo = await Peer.open(udp, far)
  peers.push(romeo)
  const here = await begin({ udp, transport: 'udp', proxy: `127.0.0.1:${far};transport=udp`, ...settings }, use)
  return { ...here, romeo, udp }
}

const here: Presence = { show: 'available' }
const gone: Presence = { show: 'unavailable' }
const subscribe = { Event: 'presence', Accept: 'application/pidf+xml', Expires: '600' }
const pidf = (inside: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<!-- of Romeo -->\n<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" xmlns:m="urn:ietf:params:xml:ns:pidf:data-model" entity="pres:romeo@far.example">${inside}</p:presence>`

/** Romeo tells how he is, within the dialog that Juliet's SUBSCRIBE has begun. */
function tells(
  romeo: Peer,
  asked: Heard,
  state: string,
  number: number,
  body = '',
  type = 'application/pidf+xml',
): void {
  romeo.request(
    'NOTIFY',
    {
      target: `sip:juliet@127.0.0.1`,
      From: `<sip:romeo@far.example>;tag=far${romeo.port}`,
      To: asked.header('from'),
      'Call-ID': asked.header('call-id'),
      CSeq: `${number} NOTIFY`,
      Event: 'presence',
      'Subscription-State': state,
      ...(body && { 'Content-Type': type }),
    },
    body,
  )
}

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
const CATEGORIES = 'application/msrtc-event-categories+xml'
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

describe('RFC 8048 § 6: Romeo sees Juliet', () => {
  test('he asks, she is asked, lets him, and he sees her as she is until she says no', async () => {
    const { romeo, session, hears, left } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.setPresence!({ show: 'away', text: 'On the balcony' }, by)
    romeo.request('SUBSCRIBE', subscribe)
    const answer = await romeo.hears('SIP/2.0 200')
    expect(answer.header('expires')).toBe('600')
    const pending = await romeo.hears('NOTIFY')
    expect(pending.header('subscription-state')).toMatch(/^pending;expires=\d+$/)
    expect(pending.body).toBe('')
    await hears('request', { user: JULIET, id: ROMEO })
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    expect(left()).toEqual([])
    await session.answer!(ROMEO, true, by)
    const seen = [await romeo.hears('NOTIFY'), await romeo.hears('NOTIFY')]
    for (const one of seen) {
      expect(one.header('subscription-state')).toMatch(/^active/)
      expect(one.body).toMatch(/<basic>open<\/basic><show xmlns="jabber:client">away<.*<note>On the balcony</)
    }
    await session.answer!(ROMEO, false, by)
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toBe('terminated;reason=rejected')
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('SIP/2.0 403')
    expect(left()).toEqual([])
  })

  test.each([
    ['hides from him', 'sendPresence'],
    ['removes him', 'removeContact'],
  ])('when Juliet %s he sees her no more, and may ask again', async (_title, what) => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    await session.setPresence!(here, by)
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    if (what === 'removeContact') await session.removeContact!(ROMEO, by)
    else await session.sendPresence!(ROMEO, gone, by)
    const told = await romeo.hears('NOTIFY')
    expect([told.header('subscription-state'), told.body]).toEqual(['terminated;reason=rejected', ''])
    await session.setPresence!({ show: 'chat' }, by)
    romeo.request('SUBSCRIBE', subscribe)
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toMatch(/^pending/)
    await hears('request', { id: ROMEO })
  })

  test('how Juliet is, row by row', async () => {
    const { romeo, session } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    const rows: [Presence, string, string?, string?][] = [
      [{ show: 'available' }, 'open'],
      [{ show: 'chat' }, 'open', 'chat'],
      [{ show: 'away' }, 'open', 'away', 'away'],
      [{ show: 'xa' }, 'open', 'xa', 'away'],
      [{ show: 'dnd' }, 'open', 'dnd', 'busy'],
      [{ show: 'dnd', native: 'rpid:on-the-phone' }, 'open', 'dnd', 'on-the-phone'],
      [{ show: 'invisible' }, 'closed'],
      [{ show: 'unavailable' }, 'closed'],
    ]
    for (const [presence, basic, show, activity] of rows) {
      await session.setPresence!(presence, by)
      const { body } = await romeo.hears('NOTIFY')
      expect(/<basic>(\w+)</.exec(body)?.[1]).toBe(basic)
      expect(/<show xmlns="jabber:client">(\w+)</.exec(body)?.[1]).toBe(show)
      expect(/<activities [^>]*><([\w-]+)/.exec(body)?.[1]).toBe(activity)
    }
  })

  test('to whom takes only what Lync has, it is said so', async () => {
    const { romeo, session } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    romeo.request('SUBSCRIBE', { ...subscribe, Accept: `text/xml+msrtc.pidf, ${CATEGORIES}` })
    await romeo.hears('NOTIFY')
    const rows: [Presence, number][] = [
      [{ show: 'available' }, 3500],
      [{ show: 'chat' }, 3500],
      [{ show: 'away' }, 15_500],
      [{ show: 'xa' }, 15_500],
      [{ show: 'dnd' }, 6500],
      [{ show: 'dnd', native: 'lync:9500' }, 9500],
      [{ show: 'available', native: 'lync:9500' }, 3500],
      [{ show: 'invisible' }, 18_500],
      [{ show: 'unavailable' }, 18_500],
    ]
    for (const [presence, number] of rows) {
      await session.setPresence!(presence, by)
      const heard = await romeo.hears('NOTIFY')
      expect(heard.header('content-type')).toBe(CATEGORIES)
      expect(heard.body).toContain(`<availability>${number}</availability>`)
    }
  })

  test('a question (Expires 0) is answered once and asks nobody', async () => {
    const { romeo, session, left } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    romeo.request('SUBSCRIBE', { ...subscribe, Expires: '0' })
    expect((await romeo.hears('NOTIFY')).body).toBe('')
    await session.answer!(ROMEO, true, by)
    await session.setPresence!(here, by)
    romeo.request('SUBSCRIBE', { ...subscribe, Expires: '0' })
    const heard = await romeo.hears('NOTIFY')
    expect(heard.header('subscription-state')).toBe('terminated;reason=timeout')
    expect(heard.body).toContain('<basic>open</basic>')
    expect(left()).toEqual([])
  })

  test('it is refreshed, ended, and ends by itself', async () => {
    const clock = new HandClock()
    const { romeo, session } = await stage({}, { clock })
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    const callId = romeo.request('SUBSCRIBE', { ...subscribe, 'Call-ID': 'one@far' })
    const { header } = await romeo.hears('SIP/2.0 200')
    await romeo.hears('NOTIFY')
    const within = { ...subscribe, 'Call-ID': callId, To: header('to') }
    romeo.request('SUBSCRIBE', { ...within, CSeq: '50 SUBSCRIBE' })
    await romeo.hears('SIP/2.0 200')
    await romeo.hears('NOTIFY')
    romeo.request('SUBSCRIBE', { ...within, CSeq: '51 SUBSCRIBE', To: '<sip:juliet@example.org>;tag=guess' })
    await romeo.hears('SIP/2.0 481')
    clock.move(620_000)
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toBe('terminated;reason=timeout')
  })

  test('whoever does not know of it any more is not told any more', async () => {
    const { romeo, session } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    romeo.answers.set('NOTIFY', '481 Subscription Does Not Exist')
    await session.setPresence!(here, by)
    await romeo.hears('NOTIFY')
    await romeo.turn()
    await session.setPresence!(gone, by)
    await romeo.turn()
    expect(romeo.requests()).toEqual([])
  })

  test.each([
    [{ Event: 'dialog' }, '489'],
    [{ Accept: 'text/html' }, '406'],
    [{ Expires: '5' }, '423'],
    [{ Contact: 'nowhere' }, '400'],
  ])('refused: %j', async (change, status) => {
    const { romeo } = await stage()
    romeo.request('SUBSCRIBE', { ...subscribe, ...change })
    await romeo.hears(`SIP/2.0 ${status}`)
  })
})

test('RFC 3903: how Juliet is, is published, kept alive, changed and taken back', async () => {
  const clock = new HandClock()
  const { romeo, session } = await stage({ publish: true }, { clock })
  romeo.answers.set('PUBLISH', '200 OK\nSIP-ETag: e1\nExpires: 600')
  await session.setPresence!(here, by)
  const first = await romeo.hears('PUBLISH sip:juliet@example.org')
  expect([first.header('sip-if-match'), first.header('event'), first.body.includes('<basic>open</basic>')]).toEqual([
    '',
    'presence',
    true,
  ])
  await romeo.turn()
  romeo.answers.set('PUBLISH', '200 OK\nSIP-ETag: e2\nExpires: 600')
  clock.move(540_000)
  const alive = await romeo.hears('PUBLISH')
  expect([alive.header('sip-if-match'), alive.body]).toEqual(['e1', ''])
  await romeo.turn()
  romeo.answers.set('PUBLISH', '412 Conditional Request Failed')
  await session.setPresence!({ show: 'dnd' }, by)
  expect((await romeo.hears('PUBLISH')).header('sip-if-match')).toBe('e2')
  romeo.answers.set('PUBLISH', '200 OK\nSIP-ETag: e3\nExpires: 600')
  const anew = await romeo.hears('PUBLISH')
  expect([anew.header('sip-if-match'), anew.body.includes('>dnd<')]).toEqual(['', true])
  await romeo.turn()
  await session.setPresence!(gone, by)
  const last = await romeo.hears('PUBLISH')
  expect([last.header('sip-if-match'), last.header('expires'), last.body]).toEqual(['e3', '0', ''])
})
