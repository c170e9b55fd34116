import { describe, expect, test } from '@jest/globals'
import { splitText } from '@parley/gateway'
import sip from '@parley/gateway-sip'
import { freePort } from '../../ports.ts'
import { begin, HandClock, MemoryVault } from './context.ts'
import { JULIET, ROMEO, stage } from './scene.ts'

const key = () => ({ key: String(Math.floor(performance.now() * 1e6)), user: JULIET })
const line = (text: string, receipt = false) => ({ ...key(), to: { peer: ROMEO }, text, receipt })

describe('RFC 3428, RFC 7572: messages', () => {
  test('what Romeo writes comes to Juliet, with the Call-ID as its thread', async () => {
    const { romeo, hears } = await stage()
    const callId = romeo.writes('שלום Juliet 🌹\r\nO', { Subject: 'Balcony' })
    await romeo.hears('SIP/2.0 202')
    expect(await hears('message')).toMatchObject({
      ...{ user: JULIET, peer: ROMEO, text: 'שלום Juliet 🌹\nO', origin: 'remote', thread: callId, subject: 'Balcony' },
    })
  })

  test('what Juliet writes goes to Romeo, and her thread is its Call-ID', async () => {
    const { romeo, session } = await stage()
    const sent = session.send!({ ...line('Wherefore?\nThou 🌹'), thread: 'thread-1', subject: 'Names' })
    const heard = await romeo.hears('MESSAGE sip:romeo@far.example SIP/2.0')
    expect(heard.header('call-id')).toBe('thread-1')
    expect(heard.header('from')).toMatch(/^<sip:juliet@example\.org>;tag=/)
    expect(heard.header('subject')).toBe('Names')
    expect(heard.body).toBe('Wherefore?\nThou 🌹')
    romeo.answer(heard, '200 OK')
    expect(await sent).toEqual({ level: 'sent' })
  })

  test('a thread that is no Call-ID comes back as it was', async () => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('MESSAGE', '200 OK')
    await session.send!({ ...line('O'), thread: 'who is\r\nthere: <x>' })
    const callId = (await romeo.hears('MESSAGE')).header('call-id')
    romeo.writes('I', { 'Call-ID': callId })
    expect((await hears('message')).thread).toBe('who is\r\nthere: <x>')
  })

  test('threats 152, 153: nothing that Juliet writes is a header', async () => {
    const { romeo, session } = await stage()
    romeo.answers.set('MESSAGE', '200 OK')
    await session.send!({
      ...line('x\r\nRoute: <sip:evil>'),
      subject: 'a\r\nRoute: <sip:evil>\0',
      thread: 't\r\nRoute: <sip:evil>',
    })
    const heard = await romeo.hears('MESSAGE')
    expect(heard.header('route')).toBe('')
    expect(heard.header('subject')).toBe('a  Route: <sip:evil>')
  })

  test('RFC 3261 § 17.2.2: a request that comes again is heard once and answered again', async () => {
    const { romeo, hears, left } = await stage()
    const again = {
      Via: `SIP/2.0/UDP 127.0.0.1:${romeo.port};branch=z9hG4bKsame;rport`,
      'Call-ID': 'same@far',
      CSeq: '1 MESSAGE',
    }
    romeo.writes('once', again)
    await romeo.hears('SIP/2.0 202')
    romeo.writes('once', again)
    await romeo.hears('SIP/2.0 202')
    await hears('message', { text: 'once' })
    romeo.writes('after')
    await hears('message', { text: 'after' })
    expect(left()).toEqual([])
  })

  test('RFC 3261 § 17.1.2: what is not answered is said again over UDP, the same; and then it is given up', async () => {
    const clock = new HandClock()
    const { romeo, session } = await stage({}, { clock })
    const sent = session.send!(line('Anybody?'))
    const refused = expect(sent).rejects.toMatchObject({ name: 'AdapterError', failure: 'transient' })
    const first = await romeo.hears('MESSAGE')
    clock.move(500)
    expect((await romeo.hears('MESSAGE')).whole).toBe(first.whole)
    clock.move(1000)
    await romeo.hears('MESSAGE')
    clock.move(32_000)
    await refused
  })

  test('what comes again under its key is the same message to the other side, and what arrived is not said twice', async () => {
    const clock = new HandClock()
    const { romeo, session } = await stage({}, { clock })
    const message = line('Once')
    const lost = expect(session.send!(message)).rejects.toThrow()
    const first = await romeo.hears('MESSAGE')
    clock.move(32_000)
    await lost
    const sent = session.send!(message)
    let second = await romeo.hears('MESSAGE')
    while (second.header('via') === first.header('via')) second = await romeo.hears('MESSAGE')
    for (const name of ['call-id', 'cseq', 'from']) expect(second.header(name)).toBe(first.header(name))
    romeo.answer(second, '200 OK')
    await sent
    expect(await session.send!(message)).toEqual(await sent)
  })

  test.each([
    ['404 Not Found', 'not-found'],
    ['403 Forbidden', 'blocked'],
    ['480 Temporarily Unavailable', 'transient'],
    ['503 Service Unavailable\nRetry-After: 7', 'limited'],
    ['301 Moved Permanently', 'not-found'],
    ['413 Request Entity Too Large', 'too-large'],
    ['501 Not Implemented', 'unsupported'],
    ['603 Decline', 'blocked'],
    ['407 Proxy Authentication Required', 'denied'],
  ])('RFC 7247 § 7: %s', async (status, failure) => {
    const { romeo, session } = await stage()
    romeo.answers.set('MESSAGE', status)
    await expect(session.send!(line('O'))).rejects.toMatchObject({
      failure,
      ...(failure === 'limited' && { retryAfter: 7000 }),
    })
  })

  test('RFC 3428 § 8: what no datagram holds goes by TCP, and where nobody is there in parts', async () => {
    const { romeo, session } = await stage()
    romeo.answers.set('MESSAGE', '200 OK')
    const text = '🌹 garden'.repeat(200)
    await session.send!(line(text))
    const pieces = romeo.requests()
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.map(one => one.body).join('')).toBe(text)
    for (const piece of pieces) expect(Buffer.byteLength(piece.whole)).toBeLessThanOrEqual(1300)
  })

  test('by TCP a long text is one message', async () => {
    const [near, far] = [await freePort(), await freePort()]
    const ours = await begin({ tcp: near, proxy: `127.0.0.1:${far};transport=tcp` })
    const theirs = await begin({ tcp: far, trusted: '127.0.0.1' }, { face: 'sip.far.example' })
    const text = '🌹 garden '.repeat(900)
    expect(await ours.session.send!(line(text))).toEqual({ level: 'queued' })
    expect((await theirs.hears('message')).text).toBe(text)
  })

  test('64 KB arrive whole and in order, whatever they are made of', async () => {
    const [near, far] = [await freePort(), await freePort()]
    const ours = await begin({ tcp: near, proxy: `127.0.0.1:${far};transport=tcp` })
    const theirs = await begin({ tcp: far, trusted: '127.0.0.1' }, { face: 'sip.far.example' })
    const text = 'שלום 🌹 مرحبا e\u0301 '.repeat(2400)
    const pieces = splitText(text, sip.capabilities)!
    expect([Buffer.byteLength(text) > 65_536, pieces.length > 5]).toEqual([true, true])
    for (const piece of pieces) await ours.session.send!(line(piece))
    const heard: string[] = []
    while (heard.length < pieces.length) heard.push((await theirs.hears('message')).text)
    expect(heard).toEqual(pieces)
  })

  test('the other side goes and comes again: nothing is lost or heard twice', async () => {
    const [near, far] = [await freePort(), await freePort()]
    const theirs = () => begin({ tcp: far, trusted: '127.0.0.1' }, { face: 'sip.far.example' })
    const ours = await begin({ tcp: near, proxy: `127.0.0.1:${far};transport=tcp` })
    const before = await theirs()
    await ours.session.send!(line('one'))
    expect((await before.hears('message')).text).toBe('one')
    await before.stop()
    const message = line('two')
    await expect(ours.session.send!(message)).rejects.toMatchObject({ failure: 'transient' })
    const after = await theirs()
    await ours.session.send!(message)
    await ours.session.send!(message)
    await ours.session.send!(line('three'))
    expect((await after.hears('message')).text).toBe('two')
    expect((await after.hears('message')).text).toBe('three')
    expect(after.left()).toEqual([])
  })

  test('kinds that are not taken: 415, and what is', async () => {
    const { romeo } = await stage()
    romeo.request('MESSAGE', { 'Content-Type': 'text/html' }, '<b>x</b>')
    expect((await romeo.hears('SIP/2.0 415')).header('accept')).toContain('text/plain')
  })
})

describe('RFC 3994: typing', () => {
  test('both ways; without another word it ends by itself', async () => {
    const clock = new HandClock()
    const { romeo, session, hears } = await stage({}, { clock })
    romeo.answers.set('MESSAGE', '200 OK')
    await session.typing!({ peer: ROMEO }, 'composing', key())
    const heard = await romeo.hears('MESSAGE')
    expect(heard.header('content-type')).toBe('application/im-iscomposing+xml')
    expect(heard.body).toContain('<state>active</state>')
    await session.typing!({ peer: ROMEO }, 'composing', key())
    await session.typing!({ peer: ROMEO }, 'paused', key())
    expect((await romeo.hears('MESSAGE')).body).toContain('<state>idle</state>')
    expect(romeo.requests()).toEqual([])

    const type = { 'Content-Type': 'application/im-iscomposing+xml' }
    const active = (state: string) =>
      `<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>${state}</state><refresh>90</refresh></isComposing>`
    romeo.request('MESSAGE', type, active('active'))
    await hears('typing', { user: JULIET, peer: ROMEO, state: 'composing' })
    clock.move(90_000)
    await hears('typing', { state: 'paused' })
    romeo.request('MESSAGE', type, active('active'))
    await hears('typing', { state: 'composing' })
    romeo.request('MESSAGE', type, active('idle'))
    await hears('typing', { state: 'paused' })
  })

  test('whoever answered 415 is never told again, also after a restart', async () => {
    const kv = new MemoryVault()
    const { romeo, session, stop } = await stage({}, { kv })
    romeo.answers.set('MESSAGE', '415 Unsupported Media Type')
    await session.typing!({ peer: ROMEO }, 'composing', key())
    await romeo.hears('MESSAGE')
    await session.typing!({ peer: ROMEO }, 'paused', key())
    await stop()
    const next = await stage({}, { kv })
    await next.session.typing!({ peer: ROMEO }, 'composing', key())
    next.romeo.answers.set('MESSAGE', '200 OK')
    await next.session.send!(line('O'))
    expect((await next.romeo.hears('MESSAGE')).body).toBe('O')
    expect(next.romeo.requests()).toEqual([])
  })
})

describe('RFC 5438: receipts', () => {
  test('Juliet asks, and hears that it has come and was shown', async () => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('MESSAGE', '200 OK')
    const { id } = await session.send!(line('Mark me', true))
    const heard = await romeo.hears('MESSAGE')
    expect(heard.header('content-type')).toBe('message/cpim')
    expect(heard.body).toContain(`imdn.Message-ID: ${id}\r\n`)
    expect(heard.body).toContain('imdn.Disposition-Notification: positive-delivery, display\r\n')
    expect(heard.body.endsWith('\r\n\r\nMark me')).toBe(true)
    const said = (name: string, status: string) =>
      `From: <sip:romeo@far.example>\r\nTo: <sip:juliet@example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: n1\r\n\r\nContent-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${id}</message-id><datetime>2026-03-01T12:00:00Z</datetime><${name}><status><${status}/></status></${name}></imdn>`
    romeo.request('MESSAGE', { 'Content-Type': 'message/cpim' }, said('delivery-notification', 'delivered'))
    await hears('receipt', { user: JULIET, peer: ROMEO, ids: [id!], level: 'delivered' })
    romeo.request('MESSAGE', { 'Content-Type': 'message/cpim' }, said('display-notification', 'displayed'))
    await hears('receipt', { ids: [id!], level: 'read' })
  })

  test('Romeo asks under a prefix of his own, and is told once each', async () => {
    const { romeo, session, hears } = await stage()
    romeo.answers.set('MESSAGE', '200 OK')
    romeo.request(
      'MESSAGE',
      { 'Content-Type': 'message/cpim' },
      'From: <sip:romeo@far.example>\r\nTo: <sip:juliet@example.org>\r\nDateTime: 2026-03-01T12:00:00+01:00\r\nNS: d <urn:ietf:params:imdn>\r\nd.Message-ID: m77\r\nd.Disposition-Notification: positive-delivery, display\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nMark me',
    )
    const { id, text, at } = await hears('message')
    expect({ id, text, at }).toEqual({ id: 'm77', text: 'Mark me', at: Date.parse('2026-03-01T11:00:00Z') })
    await session.delivered!({ peer: ROMEO }, ['m77'], key())
    expect((await romeo.hears('MESSAGE')).body).toMatch(/<message-id>m77<.*2026-03-01T12:00:00\+01:00.*<delivered\/>/s)
    await session.read!({ peer: ROMEO }, ['m77'], key())
    expect((await romeo.hears('MESSAGE')).body).toMatch(/<message-id>m77<.*<displayed\/>/s)
    await session.read!({ peer: ROMEO }, ['m77'], key())
    expect(romeo.requests()).toEqual([])
  })

  test('whoever takes no envelope gets the text, and gets none again', async () => {
    const { romeo, session } = await stage()
    romeo.answers.set('MESSAGE', '415 Unsupported Media Type')
    const sent = session.send!(line('Plainly', true))
    await romeo.hears('MESSAGE')
    romeo.answers.set('MESSAGE', '200 OK')
    await expect(sent).resolves.toEqual({ level: 'sent' })
    expect((await romeo.hears('MESSAGE')).body).toBe('Plainly')
    await session.send!(line('Again', true))
    expect((await romeo.hears('MESSAGE')).body).toBe('Again')
  })
})
