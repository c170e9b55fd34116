import { expect } from '@jest/globals'
import { auth, PASSWORD, plain, type RawClient, refused, type StagedServer, scenario } from '@parley/testkit'

const BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

async function authenticated(stage: StagedServer): Promise<RawClient> {
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  expect((await auth(client, 'PLAIN', plain('romeo', PASSWORD))).name).toBe('success')
  await client.negotiate('a.test')
  return client
}

const bind = (client: RawClient, resource: string) =>
  client.request('set', `<bind xmlns="${BIND}"><resource>${resource}</resource></bind>`)

scenario('RFC 6120 § 7.6: without a wish the server makes a resource, never the same', async ({ server }) => {
  const stage = await server('a.test')
  const jids = new Set<string>()
  for (const wish of [`<bind xmlns="${BIND}"/>`, `<bind xmlns="${BIND}"><resource/></bind>`]) {
    const answer = await (await authenticated(stage)).request('set', wish)
    jids.add(answer.child('bind', BIND)!.textOf('jid')!)
  }
  expect(jids.size).toBe(2)
  for (const jid of jids) expect(jid).toMatch(/^romeo@a\.test\/[\w-]{12}$/)
})

scenario('RFC 6120 § 7.6.2: too many sessions, and a second resource, are refused', async ({ server }) => {
  const limits = { stanzas: 0, logins: 0, connections: 0, resources: 2 }
  const stage = await server('a.test', { config: { limits } })
  const [one, two] = await stage.connect('romeo/one', 'romeo/two')
  const client = await authenticated(stage)
  const refusal = (await bind(client, 'three')).child('error')!
  expect(refusal.firstElement()?.name).toBe('resource-constraint')
  expect(refusal.textOf('text', STANZAS)).toBe('Too many sessions of this account')
  // One that is there already can be taken over.
  expect((await bind(client, 'two')).attrs['type']).toBe('result')
  await two.receives`<error xmlns="http://etherx.jabber.org/streams"><conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`
  await refused(
    one.asks`<iq type="set"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`,
    'not-allowed',
    'This stream has its resource',
  )
})

scenario('RFC 6120 § 7.7: the client names its resource, as it likes', async ({ server }) => {
  const stage = await server('a.test')
  for (const resource of ['orchard', 'a/b@c', '\u3053\u3093', 'x'.repeat(1023)]) {
    const answer = await bind(await authenticated(stage), resource)
    expect(answer.child('bind', BIND)?.textOf('jid')).toBe(`romeo@a.test/${resource}`)
  }
})

scenario('RFC 6120 § 7.7.2.1: a resource that cannot be is refused, and another may be tried', async ({ server }) => {
  const client = await authenticated(await server('a.test'))
  for (const resource of ['x'.repeat(1024), '\u200e', '\u0600']) {
    const answer = await bind(client, resource)
    if (answer.attrs['type'] === 'result') throw new Error(`Bound ${JSON.stringify(resource)}`)
    expect(answer.child('error')?.firstElement()?.name).toBe('bad-request')
  }
  expect((await bind(client, 'orchard')).attrs['type']).toBe('result')
})

scenario('RFC 6120 § 7.1: before binding nothing else is taken', async ({ server }) => {
  const client = await authenticated(await server('a.test'))
  client.write('<message to="juliet@a.test"><body>Hi</body></message>')
  expect((await client.next('a stream error')).firstElement()?.name).toBe('not-authorized')
})

scenario('RFC 3921 § 3: clients of old ask for a session', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await romeo.asks`<iq type="set"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>`
  await romeo.asks`<iq type="set" to="a.test"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>`
})
