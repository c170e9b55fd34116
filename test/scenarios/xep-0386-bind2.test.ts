import { expect } from '@jest/globals'
import { authenticate, PASSWORD, plain, type RawClient, type StagedServer, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'

const BIND2 = 'urn:xmpp:bind:0'
const SM = 'urn:xmpp:sm:3'
const AGENT = 'd4565fa7-4d72-4749-b3d3-740edbf87770'

interface Bound {
  readonly client: RawClient
  readonly success: Element
  readonly jid: string
}

async function bind(stage: StagedServer, user: string, content = '', agent?: string): Promise<Bound> {
  await stage.account(user)
  const client = stage.client()
  await client.negotiate('a.test', ` from="${user}@a.test"`)
  client.features = undefined
  const login = { inline: `<bind xmlns="${BIND2}">${content}</bind>`, ...(agent === undefined ? {} : { agent }) }
  const success = await authenticate(client, 'PLAIN', plain(user, PASSWORD), login)
  return { client, success, jid: success.textOf('authorization-identifier') ?? '' }
}

scenario('XEP-0386 § 3.1: what can be asked for with the bind is listed', async ({ server }) => {
  const features = await (await server('a.test')).client().negotiate('a.test')
  const offer = features.child('authentication', 'urn:xmpp:sasl:2')!.child('inline')!.child('bind', BIND2)!
  const vars = offer
    .child('inline')!
    .elements()
    .map(feature => feature.attrs['var'])
  expect(vars.sort()).toEqual(['urn:xmpp:carbons:2', 'urn:xmpp:csi:0', SM])
})

scenario('XEP-0386 § 3.2: login and bind are one', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.connect('juliet/balcony')
  const { client, success, jid } = await bind(stage, 'romeo', '<tag>Play</tag>')
  expect(jid).toMatch(/^romeo@a\.test\/Play\/[\w-]{12}$/)
  expect(success.child('bound', BIND2)).toBeDefined()
  await client.until(() => client.features !== undefined, 'features')
  expect(client.features!.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeUndefined()

  client.write(`<message to="${juliet}" type="chat"><body>bound</body></message>`)
  await juliet.receives`<message from="${jid}"><body>bound</body></message>`
})

scenario('XEP-0386 § 3.2: nothing is bound where the login fails', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  const inline = `<bind xmlns="${BIND2}"/>`
  const failure = await authenticate(client, 'PLAIN', plain('romeo', 'wrong'), { inline })
  expect(failure.name).toBe('failure')
  expect(await stage.core.live.count()).toBe(0)
})

scenario('XEP-0386 § 3.2.1: a client keeps its address, which does not show its id', async ({ server }) => {
  const stage = await server('a.test')
  const first = await bind(stage, 'romeo', '<tag>Play</tag>', AGENT)
  const second = await bind(stage, 'romeo', '<tag>Play</tag>', AGENT)
  expect(second.jid).toBe(first.jid)
  expect(first.jid).not.toContain(AGENT)
  const other = await bind(stage, 'juliet', '<tag>Play</tag>', AGENT)
  expect(other.jid.split('/')[2]).not.toBe(first.jid.split('/')[2])
})

scenario('XEP-0386 § 3.2: an earlier session of the same client ends', async ({ server }) => {
  const stage = await server('a.test')
  const old = await bind(stage, 'romeo', '<tag>Play 1.0</tag>', AGENT)
  const other = await bind(stage, 'romeo', '<tag>Play 1.0</tag>', 'another')
  const now = await bind(stage, 'romeo', '<tag>Play 2.0</tag>', AGENT)
  expect(now.jid).not.toBe(old.jid)
  const error = await old.client.next('a stream error')
  expect(error.firstElement()?.name).toBe('conflict')
  const sessions = await stage.core.live.sessions(await stage.account('romeo'))
  expect(sessions.map(({ jid }) => jid.text).sort()).toEqual([other.jid, now.jid].sort())
})

scenario('XEP-0386 § 3.2.1: a tag that can be no part of an address is left out', async ({ server }) => {
  const stage = await server('a.test')
  for (const tag of ['', 'x'.repeat(100), '\u200e']) {
    const { jid } = await bind(stage, 'romeo', `<tag>${tag}</tag>`)
    expect(jid).toMatch(/^romeo@a\.test\/[\w-]{12}$/)
  }
})

scenario('XEP-0386 § 3.2: stream management begins with the bind', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.connect('juliet/balcony')
  const { client, success, jid } = await bind(stage, 'romeo', `<enable xmlns="${SM}" resume="true"/>`)
  const enabled = success.child('bound', BIND2)!.child('enabled', SM)!
  expect(enabled.attrs['resume']).toBe('true')
  await client.until(() => client.features !== undefined, 'features')
  expect(client.features!.child('sm', SM)).toBeUndefined()

  client.write(`<message to="${juliet}" type="chat"><body>one</body></message><r xmlns="${SM}"/>`)
  expect((await client.next('an answer')).attrs['h']).toBe('1')
  await juliet.receives`<message><body>one</body></message>`
  await juliet.sends`<message to="${jid}" type="chat"><body>two</body></message>`
  expect((await client.next('a message')).textOf('body')).toBe('two')
  client.write(`<a xmlns="${SM}" h="1"/>`)
  const ping = await client.request('get', '<ping xmlns="urn:xmpp:ping"/>')
  expect(ping.attrs['type']).toBe('result')
})

scenario('XEP-0198 § 9.2: a session is resumed in the login, and not bound anew', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.connect('juliet/balcony')
  const { client, success, jid } = await bind(stage, 'romeo', `<enable xmlns="${SM}" resume="true"/>`)
  const id = success.child('bound', BIND2)!.child('enabled', SM)!.attrs['id']
  client.wire.cut()
  await juliet.sends`<message to="${jid}" type="chat"><body>missed</body></message>`
  await juliet.fence()

  const again = stage.client()
  await again.negotiate('a.test')
  again.features = undefined
  const inline = `<resume xmlns="${SM}" previd="${id}" h="0"/><bind xmlns="${BIND2}"/>`
  const answer = await authenticate(again, 'PLAIN', plain('romeo', PASSWORD), { inline })
  expect(answer.child('resumed', SM)?.attrs['h']).toBe('0')
  expect(answer.child('bound', BIND2)).toBeUndefined()
  expect(answer.textOf('authorization-identifier')).toBe(jid)
  expect((await again.next('what was missed')).textOf('body')).toBe('missed')
  expect(again.features).toBeUndefined()
})

scenario('XEP-0198 § 9.2.1: where resumption fails, the client is bound', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  const inline = `<resume xmlns="${SM}" previd="nobody" h="0"/><bind xmlns="${BIND2}"><enable xmlns="${SM}"/></bind>`
  const success = await authenticate(client, 'PLAIN', plain('romeo', PASSWORD), { inline })
  expect(success.child('failed', SM)?.firstElement()?.name).toBe('item-not-found')
  expect(success.child('bound', BIND2)?.child('enabled', SM)).toBeDefined()
})

scenario('XEP-0386 § 3.2: an account with too many sessions is logged in without a resource', async ({ server }) => {
  const stage = await server('a.test', { config: { limits: { stanzas: 0, logins: 0, connections: 0, resources: 1 } } })
  await stage.connect('romeo/orchard')
  const { client, success, jid } = await bind(stage, 'romeo')
  expect([jid, success.child('bound', BIND2)]).toEqual(['romeo@a.test', undefined])
  const refusal = await client.request('set', '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>')
  expect(refusal.child('error')?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBe(
    'Too many sessions of this account',
  )
})

scenario('XEP-0386 § 3.2: the client hears where its archive stands, and pages it', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  await stage.account('romeo')
  for (const body of ['one', 'two']) {
    await juliet.sends`<message to="romeo@a.test" type="chat"><body>${body}</body></message>`
  }
  await juliet.fence()
  const { client, success } = await bind(stage, 'romeo')
  const metadata = success.child('bound', BIND2)!.child('metadata', 'urn:xmpp:mam:2')!
  const [start, end] = metadata.elements().map(({ attrs }) => attrs['id']!)
  expect(start! < end!).toBe(true)

  client.write('<presence/>')
  const query = '<query xmlns="urn:xmpp:mam:2"/>'
  expect((await client.request('set', query)).child('fin', 'urn:xmpp:mam:2')).toBeDefined()
  const heard = client.inbox.filter(({ name }) => name === 'message')
  expect(heard.map(message => message.child('result', 'urn:xmpp:mam:2')?.attrs['id'])).toEqual([start, end])
})

scenario('XEP-0386 § 3.2: carbons begin with the bind', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet, desk] = await stage.join('juliet/balcony', 'romeo/desk')
  const { client } = await bind(stage, 'romeo', '<enable xmlns="urn:xmpp:carbons:2"/>')
  await desk.sends`<message to="${juliet}" type="chat"><body>Hi</body></message>`
  await juliet.receives`<message><body>Hi</body></message>`
  expect((await client.next('a copy')).child('sent', 'urn:xmpp:carbons:2')).toBeDefined()
})
