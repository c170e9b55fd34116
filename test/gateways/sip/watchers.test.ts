import { describe, expect, test } from '@jest/globals'
import type { Presence } from '@parley/adapter'
import { HandClock } from './context.ts'
import { by, CATEGORIES, gone, here, JULIET, ROMEO, stage, subscribe } from './scene.ts'

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

  test('§ 5.3.3: he ends it and sees that nobody is there; he may come again without a question', async () => {
    const { romeo, session, left } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    await session.setPresence!(here, by)
    const callId = romeo.request('SUBSCRIBE', { ...subscribe, 'Call-ID': 'one@far' })
    const { header } = await romeo.hears('SIP/2.0 200')
    expect((await romeo.hears('NOTIFY')).body).toContain('<basic>open</basic>')
    const within = { ...subscribe, 'Call-ID': callId, To: header('to'), CSeq: '50 SUBSCRIBE', Expires: '0' }
    romeo.request('SUBSCRIBE', within)
    const last = await romeo.hears('NOTIFY')
    expect(last.header('subscription-state')).toBe('terminated;reason=timeout')
    expect(last.body).toContain('<basic>closed</basic>')
    romeo.request('SUBSCRIBE', subscribe)
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toMatch(/^active/)
    expect(left()).toEqual([])
  })

  test.each([['ends it'], ['lets it end']])('who was never let in and %s has seen nothing', async how => {
    const clock = new HandClock()
    const { romeo, session } = await stage({}, { clock })
    romeo.answers.set('NOTIFY', '200 OK')
    const callId = romeo.request('SUBSCRIBE', { ...subscribe, 'Call-ID': 'one@far' })
    const { header } = await romeo.hears('SIP/2.0 200')
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toMatch(/^pending/)
    await session.setPresence!({ show: 'away', text: 'On the balcony' }, by)
    await romeo.turn()
    const within = { ...subscribe, 'Call-ID': callId, To: header('to'), CSeq: '50 SUBSCRIBE', Expires: '0' }
    if (how === 'ends it') romeo.request('SUBSCRIBE', within)
    else clock.move(620_000)
    const last = await romeo.hears('NOTIFY')
    expect([last.header('subscription-state'), last.body]).toEqual(['terminated;reason=timeout', ''])
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

  test.each([
    ['481 Subscription Does Not Exist'],
    ['404 Not Found'],
    ['480 Temporarily Unavailable'],
    ['489 Bad Event'],
    ['604 Does Not Exist Anywhere'],
  ])('whoever does not know of it any more (%s) is not told any more', async status => {
    const { romeo, session } = await stage()
    romeo.answers.set('NOTIFY', '200 OK')
    await session.answer!(ROMEO, true, by)
    romeo.request('SUBSCRIBE', subscribe)
    await romeo.hears('NOTIFY')
    romeo.answers.set('NOTIFY', status)
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
