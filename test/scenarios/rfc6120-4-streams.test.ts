import { expect } from '@jest/globals'
import { PASSWORD, type RawClient, type StagedServer, scenario } from '@parley/testkit'

const STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
const NAMESPACES = 'xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams"'

/** The condition of the stream error that ends this stream. */
async function condition(client: RawClient): Promise<string | undefined> {
  for (;;) {
    const element = await client.next('a stream error')
    if (element.name !== 'error') continue
    await client.until(() => client.closed, 'the end of the connection')
    return element.elements().find(({ ns, name }) => ns === STREAM_ERRORS && name !== 'text')?.name
  }
}

async function provoked(stage: StagedServer, xml: string | Buffer): Promise<string | undefined> {
  const client = stage.client()
  client.wire.write(xml)
  return condition(client)
}

const header = (attributes: string, namespaces = NAMESPACES) =>
  `<?xml version="1.0"?><stream:stream ${attributes} ${namespaces}>`

scenario('RFC 6120 § 4.7: the header answers with host, id, version and language', async ({ server }) => {
  const stage = await server('a.test')
  const client = stage.client()
  await client.negotiate('A.Test', ' from="romeo@a.test" xml:lang="de-AT"')
  const { from, to, id, version, 'xml:lang': lang } = client.header!.attrs
  expect({ from, to, version, lang }).toEqual({ from: 'a.test', to: 'romeo@a.test', version: '1.0', lang: 'de-AT' })
  const other = stage.client()
  await other.negotiate('a.test', ' xml:lang="&quot;&gt;"')
  expect(other.header!.attrs['xml:lang']).toBe('en')
  expect(other.header!.attrs['id']).not.toBe(id)
  expect(id!.length).toBeGreaterThanOrEqual(20)
})

scenario('RFC 6120 § 4.9.3: what is wrong with a header', async ({ server }) => {
  const stage = await server('a.test')
  const cases: readonly [string, string][] = [
    [header('to="b.test" version="1.0"'), 'host-unknown'],
    [header('to="not a domain" version="1.0"'), 'host-unknown'],
    [header('version="1.0"'), 'improper-addressing'],
    [header('to="a.test"'), 'unsupported-version'],
    [header('to="a.test" version="0.9"'), 'unsupported-version'],
    [header('to="a.test" version="one"'), 'unsupported-version'],
    [header('to="a.test" version="1.0" from="romeo@b.test"'), 'invalid-from'],
    [header('to="a.test" version="1.0" from="@"'), 'invalid-from'],
    [header('to="a.test" version="1.0"', NAMESPACES.replace('client', 'server')), 'invalid-namespace'],
    [header('to="a.test" version="1.0"', 'xmlns="jabber:client" xmlns:stream="urn:x"'), 'invalid-namespace'],
  ]
  for (const [xml, expected] of cases) expect([xml, await provoked(stage, xml)]).toEqual([xml, expected])
})

scenario('RFC 6120 § 4.9.3: a later version is answered with ours', async ({ server }) => {
  const client = (await server('a.test')).client()
  client.wire.write(header('to="a.test" version="1.7"'))
  await client.until(() => client.features !== undefined, 'features')
  expect(client.header!.attrs['version']).toBe('1.0')
})

scenario('RFC 6120 § 4.9.3: what is no XML, or more of it than XMPP allows', async ({ server }) => {
  const stage = await server('a.test')
  const good = header('to="a.test" version="1.0"')
  const cases: readonly [string | Buffer, readonly string[]][] = [
    [`${good}<iq></message>`, ['not-well-formed']],
    [`${good}hello`, ['not-well-formed']],
    [`${good}<unknown:iq/>`, ['bad-namespace-prefix', 'not-well-formed']],
    [`${good}<!-- comment -->`, ['restricted-xml']],
    [`${good}<?php ?>`, ['restricted-xml']],
    [`<!DOCTYPE x [<!ENTITY a "b">]>${good}`, ['restricted-xml']],
    [`${good}<message><body>&a;</body></message>`, ['restricted-xml']],
    [Buffer.concat([Buffer.from(`${good}<iq id="`), Buffer.from([0xff, 0xfe])]), ['bad-format']],
    [good.replace('?>', ' encoding="ISO-8859-1"?>'), ['unsupported-encoding']],
    [`${good}<auth xmlns="${'x'.repeat(11_000)}"`, ['policy-violation']],
  ]
  for (const [xml, expected] of cases) {
    expect([expected, expected.includes((await provoked(stage, xml)) ?? '')]).toEqual([expected, true])
  }
})

scenario('RFC 6120 § 4.9.1: an error before our header comes behind one', async ({ server }) => {
  const client = (await server('a.test')).client()
  client.wire.write('<nonsense')
  client.wire.write('></oops>')
  expect(await condition(client)).toBeDefined()
  expect(client.header!.attrs['from']).toBe('a.test')
})

scenario('RFC 6120 § 4.9.3: stanzas and elements that have no place here', async ({ server }) => {
  const stage = await server('a.test')
  for (const [xml, expected] of [
    ['<message to="juliet@a.test"/>', 'not-authorized'],
    ['<iq type="set" id="1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>', 'not-authorized'],
    ['<pubsub xmlns="jabber:client"/>', 'unsupported-stanza-type'],
    ['<message xmlns="jabber:server"/>', 'unsupported-stanza-type'],
    ['<nonsense xmlns="urn:x"/>', 'unsupported-stanza-type'],
  ] as const) {
    const client = stage.client()
    await client.negotiate('a.test')
    client.write(xml)
    expect([xml, await condition(client)]).toEqual([xml, expected])
  }
})

scenario(
  'RFC 6120 § 4.9.3.3: a second session of the same address ends the first with a conflict',
  async ({ server }) => {
    const stage = await server('a.test')
    const [first] = await stage.connect('romeo/orchard')
    const [second] = await stage.connect('romeo/orchard')
    expect(await condition(first.client)).toBe('conflict')
    await second.fence()
  },
)

scenario('RFC 6120 § 4.9.3.4: who does not come to a session in a minute is sent away', async ({ server, clock }) => {
  const stage = await server('a.test')
  const client = stage.client()
  await client.negotiate('a.test')
  const mute = stage.client()
  clock.advance(61_000)
  expect(await condition(client)).toBe('connection-timeout')
  expect(await condition(mute)).toBe('connection-timeout')
})

scenario('RFC 6120 § 4.9.3.9: a stanza from somebody else ends the stream', async ({ server }) => {
  const stage = await server('a.test')
  for (const from of ['juliet@a.test', 'romeo@a.test/other', 'romeo@b.test', '', '@@']) {
    const [romeo] = await stage.connect('romeo/orchard')
    await romeo.sendsRaw(`<message from="${from}" to="romeo@a.test"/>`)
    expect([from, await condition(romeo.client)]).toEqual([from, 'invalid-from'])
  }
})

scenario('RFC 6120 § 4.9.3.17: a server that goes says so', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await stage.stop()
  expect(await condition(romeo.client)).toBe('system-shutdown')
  expect(stage.client().closed).toBe(true)
})

scenario('RFC 6120 § 4.4: what came before the end is done, then both sides close', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  const [romeo] = await stage.connect('romeo/orchard')
  const messages = ['one', 'two', 'three'].map(
    body => `<message type="chat" to="${juliet}"><body>${body}</body></message>`,
  )
  await romeo.sendsRaw(`${messages.join('')}</stream:stream>`)
  await romeo.client.until(() => romeo.client.closed, 'the end')
  for (const body of ['one', 'two', 'three']) await juliet.receives`<message><body>${body}</body></message>`
  expect(await stage.core.live.sessions(romeo.bare)).toEqual([])
})

scenario('RFC 6120 § 4.6: white space keeps a stream open and is nothing more', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (let i = 0; i < 100; i++) romeo.client.write(' \n')
  await romeo.asks`<iq type="get" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`
})

scenario(
  'RFC 6120 § 4.3.3: after authentication the stream begins anew, as the same account on the same host',
  async ({ server }) => {
    const stage = await server('a.test', { config: { domains: ['a.test', 'b.test'] } })
    await stage.account('romeo')
    const login = Buffer.from(`\0romeo\0${PASSWORD}`).toString('base64')
    for (const [attributes, expected] of [
      ['to="b.test" version="1.0"', 'host-unknown'],
      ['to="a.test" from="juliet@a.test" version="1.0"', 'invalid-from'],
      ['to="a.test" from="romeo@b.test" version="1.0"', 'invalid-from'],
    ] as const) {
      const client = stage.client()
      await client.negotiate('a.test')
      client.write(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${login}</auth>`)
      expect((await client.next('success')).name).toBe('success')
      const { id } = client.header!.attrs
      client.write(header(attributes))
      expect(await condition(client)).toBe(expected)
      expect(client.header!.attrs['id']).not.toBe(id)
    }
  },
)
