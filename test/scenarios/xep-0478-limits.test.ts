import { expect } from '@jest/globals'
import { authenticate, PASSWORD, plain, type RawClient, scenario } from '@parley/testkit'

const LIMITS = 'urn:xmpp:stream-limits:0'

function limits(client: RawClient): (string | undefined)[] {
  const offer = client.features!.child('limits', LIMITS)!
  return [offer.textOf('max-bytes'), offer.textOf('idle-seconds')]
}

scenario('XEP-0478 § 3.1: the limits before and after login are the true ones', async ({ server }) => {
  const config = { limits: { stanzas: 0, logins: 0, connections: 0, stanzaBytes: 20_000 } }
  const stage = await server('a.test', { config: { ...config, modules: { 'stream-limits': { idle: '10m' } } } })
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  expect(limits(client)).toEqual(['10000', '60'])

  client.features = undefined
  const inline = '<bind xmlns="urn:xmpp:bind:0"/>'
  const success = await authenticate(client, 'PLAIN', plain('romeo', PASSWORD), { inline })
  await client.until(() => client.features !== undefined, 'features')
  expect(limits(client)).toEqual(['20000', '600'])

  const jid = success.textOf('authorization-identifier')
  const empty = `<message to="${jid}" type="chat"><body></body></message>`
  const fill = (bytes: number) => empty.replace('<body>', `<body>${'x'.repeat(bytes - empty.length)}`)
  client.write(fill(20_000))
  expect((await client.next('the message')).textOf('body')).toHaveLength(20_000 - empty.length)
  client.write(fill(20_001))
  expect((await client.next('a stream error')).firstElement()?.name).toBe('policy-violation')
})

scenario('XEP-0478 § 3.1: before login nothing larger than announced is read', async ({ server }) => {
  const client = (await server('a.test')).client()
  await client.negotiate('a.test')
  client.write(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${'A'.repeat(10_000)}`)
  expect((await client.next('a stream error')).firstElement()?.name).toBe('policy-violation')
})

scenario('RFC 6120 § 4.6: who is silent is pinged, and lost where no answer comes', async stage => {
  const server = await stage.server('a.test', { config: { modules: { 'stream-limits': { idle: '10m' } } } })
  const [romeo, juliet] = await server.connect('romeo/orchard', 'juliet/balcony')
  stage.clock.advance(600_000)
  await juliet.fence()
  await romeo.receivesNothing()
  stage.clock.advance(750_000)
  await romeo.receives`<iq type="get"><ping xmlns="urn:xmpp:ping"/></iq>`
  const ping = await juliet.client.next('a ping')
  await juliet.sends`<iq type="result" id="${ping.attrs['id']!}" to="a.test"/>`
  stage.clock.advance(150_000)
  await romeo.receives`<error xmlns="http://etherx.jabber.org/streams"><connection-timeout xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`
  await juliet.fence()
})
