import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Presence } from '@parley/adapter'
import { withProgram } from '../../interop/programs.ts'
import { freePort } from '../../ports.ts'
import { begin, endAll, type Stage } from './context.ts'
import { Kamailio } from './kamailio.ts'
import { type Heard, Peer } from './peer.ts'

const JULIET = 'juliet@example.org'
const ROMEO = 'romeo@far.example'

withProgram(['kamailio', 'sqlite3'], 'Kamailio 5.6: our domain and theirs', () => {
  let kamailio: Kamailio
  let stage: Stage
  let romeo: Peer
  let count = 0
  const key = () => ({ key: String(++count), user: JULIET })

  beforeAll(async () => {
    const tcp = await freePort()
    kamailio = await Kamailio.open(tcp)
    stage = await begin({ tcp, proxy: `127.0.0.1:${kamailio.port};transport=tcp`, publish: true })
    romeo = await Peer.open(kamailio.port)
    for (const method of ['MESSAGE', 'NOTIFY']) romeo.answers.set(method, '200 OK')
    await romeo.registers('romeo', kamailio.port)
  })

  afterAll(async () => {
    await endAll()
    romeo?.close()
    await kamailio?.close()
  })

  test.each([
    ['plain', 'Wherefore art thou?'],
    ['emoji and right to left', '🌹👩‍👩‍👧‍👦 שלום مرحبا e\u0301'],
    ['lines', 'one\ntwo\n\nfour'],
    ['long', 'garden 🌹 '.repeat(200)],
  ])('a message each way: %s', async (_title, text) => {
    await stage.session.send!({ ...key(), to: { peer: ROMEO }, text, receipt: false, thread: `t${count}` })
    const heard = await romeo.hears('MESSAGE')
    expect(heard.body).toBe(text)
    expect(heard.header('call-id')).toBe(`t${count}`)
    const callId = romeo.writes(text)
    await romeo.hears('SIP/2.0 202')
    expect(await stage.hears('message')).toMatchObject({ user: JULIET, peer: ROMEO, text, thread: callId })
  })

  test('a message to nobody there', async () => {
    const lost = stage.session.send!({ ...key(), to: { peer: 'nobody@far.example' }, text: 'O', receipt: false })
    await expect(lost).rejects.toMatchObject({ failure: 'not-found' })
  })

  test('typing and receipts pass', async () => {
    await stage.session.typing!({ peer: ROMEO }, 'composing', key())
    expect((await romeo.hears('MESSAGE')).body).toContain('active')
    const { id } = await stage.session.send!({ ...key(), to: { peer: ROMEO }, text: 'Mark me', receipt: true })
    expect((await romeo.hears('MESSAGE')).body).toContain(`Message-ID: ${id}`)
  })

  test('Juliet sees Romeo, row by row, by what Kamailio keeps of him', async () => {
    await stage.session.setPresence!({ show: 'available' }, key())
    await stage.session.addContact!(ROMEO, {}, key())
    expect((await stage.hears('contact')).contact).toMatchObject({ id: ROMEO, subscription: 'to' })
    const rows: [string, Presence][] = [
      ['<basic>open</basic>', { show: 'available' }],
      ['<basic>open</basic><show xmlns="jabber:client">chat</show>', { show: 'chat' }],
      ['<basic>open</basic><show xmlns="jabber:client">away</show>', { show: 'away' }],
      ['<basic>open</basic><show xmlns="jabber:client">xa</show>', { show: 'xa' }],
      ['<basic>open</basic><show xmlns="jabber:client">dnd</show>', { show: 'dnd' }],
      ['<basic>closed</basic>', { show: 'unavailable' }],
    ]
    let etag = ''
    for (const [status, presence] of rows) {
      etag = await romeo.publishes(status, etag)
      expect((await stage.hears('presence', { presence })).id).toBe(ROMEO)
    }
  })

  test('Romeo sees Juliet, row by row, through Kamailio', async () => {
    romeo.request('SUBSCRIBE', { Event: 'presence', Accept: 'application/pidf+xml', Expires: '600' })
    await romeo.hears('SIP/2.0 200')
    expect((await romeo.hears('NOTIFY')).header('subscription-state')).toMatch(/^pending/)
    await stage.hears('request', { user: JULIET, id: ROMEO })
    await stage.session.answer!(ROMEO, true, key())
    await romeo.hears('NOTIFY')
    for (const show of ['chat', 'away', 'xa', 'dnd', 'available', 'unavailable'] as const) {
      await stage.session.setPresence!({ show }, key())
      const { body, header } = await romeo.hears('NOTIFY')
      expect(header('subscription-state')).toMatch(/^active/)
      expect(/<basic>(\w+)</.exec(body)?.[1]).toBe(show === 'unavailable' ? 'closed' : 'open')
      expect(/<show xmlns="jabber:client">(\w+)</.exec(body)?.[1]).toBe(
        show === 'available' || show === 'unavailable' ? undefined : show,
      )
    }
  })

  test('RFC 3903: what Juliet publishes, Kamailio tells others, and it ends when she goes', async () => {
    await stage.session.setPresence!({ show: 'dnd', text: 'Masque' }, key())
    const told = async (wanted: RegExp): Promise<Heard> => {
      romeo.request('SUBSCRIBE', { Event: 'presence', Expires: '0', 'X-Published': 'yes' })
      const heard = await romeo.hears('NOTIFY')
      return wanted.test(heard.body) ? heard : told(wanted)
    }
    expect((await told(/dnd/)).body).toContain('Masque')
    await stage.session.setPresence!({ show: 'unavailable' }, key())
    await told(/^((?!dnd).)*$/s)
  })
})
