import { expect } from '@jest/globals'
import { type RawClient, refused, scenario } from '@parley/testkit'

const NS = 'jabber:iq:register'
const STREAMS = 'urn:ietf:params:xml:ns:xmpp-streams'
const open = { config: { domains: ['a.test'], registration: 'open' } }

const account = (username: string, password = 'secret') =>
  `<query xmlns="${NS}"><username>${username}</username><password>${password}</password></query>`

/** Condition and text of a refusal; undefined where it was none. */
async function refusal(client: RawClient, payload: string, type: 'get' | 'set' = 'set'): Promise<string[] | undefined> {
  const answer = await client.request(type, payload)
  return answer
    .child('error')
    ?.elements()
    .map(child => (child.name === 'text' ? child.text() : child.name))
}

scenario('XEP-0077 § 3.1: who has no account makes one, and logs in on the same stream', async ({ server }) => {
  const stage = await server('a.test', open)
  const client = stage.client()
  const features = await client.negotiate('a.test')
  expect(features.child('register', 'http://jabber.org/features/iq-register')).toBeDefined()

  const form = await client.request('get', `<query xmlns="${NS}"/>`)
  expect(
    form
      .firstElement()!
      .elements()
      .map(({ name }) => name),
  ).toEqual(['instructions', 'username', 'password'])
  expect((await client.request('set', account('mercutio'))).attrs['type']).toBe('result')
  const other = stage.client()
  expect(await other.login('a.test', 'mercutio', 'secret', 'street')).toBe('mercutio@a.test/street')
})

scenario('XEP-0077 § 3.1.1: what makes no account is refused', async ({ server }) => {
  const stage = await server('a.test', { config: { ...open.config, limits: { registrations: 0 } } })
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')

  expect(await refusal(client, account('romeo'))).toEqual(['conflict', 'The username is taken'])
  expect(await refusal(client, account('ROMEO'))).toEqual(['conflict', 'The username is taken'])
  expect(await refusal(client, account(''))).toEqual(['not-acceptable', 'A username is needed'])
  expect(await refusal(client, account('x', ''))).toEqual(['not-acceptable', 'A password is needed'])
  expect(await refusal(client, account('x', '\u0085'))).toEqual([
    'not-acceptable',
    'The password has characters that are not allowed',
  ])
  expect(await refusal(client, account('x y'))).toEqual(['jid-malformed', expect.stringContaining('No username: ')])
  expect(await refusal(client, account('a@b'))).toEqual(['jid-malformed', expect.stringContaining('No username: ')])
  expect(await refusal(client, account('x'.repeat(256)))).toEqual(['not-acceptable', 'The username is too long'])
  // Cyrillic letters among Latin ones.
  expect(await refusal(client, account('rоmео'))).toEqual(['not-acceptable', 'The username mixes alphabets'])
  expect(await refusal(client, account('ромео'))).toBeUndefined()
})

scenario('XEP-0077 § 3.1.1: one address makes a few accounts a minute', async ({ server, after }) => {
  const stage = await server('a.test', { config: { ...open.config, limits: { registrations: 2, connections: 0 } } })
  const client = stage.client()
  await client.negotiate('a.test')
  expect(await refusal(client, account('one'))).toBeUndefined()
  expect(await refusal(client, account('two'))).toBeUndefined()

  expect(await refusal(client, account('three'))).toEqual([
    'resource-constraint',
    'Too many registrations from your address',
  ])
  const elsewhere = stage.client({ remote: '2001:db8:1:2::1' })
  await elsewhere.negotiate('a.test')
  expect(await refusal(elsewhere, account('four'))).toBeUndefined()
  await after('31s')
  expect(await refusal(client, account('three'))).toBeUndefined()
})

scenario('XEP-0077 § 3.1: nobody registers where registration is closed', async ({ server }) => {
  const stage = await server('a.test')
  const client = stage.client()
  const features = await client.negotiate('a.test')
  expect(features.child('register', 'http://jabber.org/features/iq-register')).toBeUndefined()

  expect(await refusal(client, `<query xmlns="${NS}"/>`, 'get')).toEqual([
    'service-unavailable',
    'Nobody can register here',
  ])
  expect(await refusal(client, account('mercutio'))).toEqual(['service-unavailable', 'Nobody can register here'])
})

scenario(
  'XEP-0077 § 3.2: an account is removed, with all it has, and its name stays reserved',
  async ({ server, befriend }) => {
    const stage = await server('a.test', open)
    const [romeo, phone, juliet] = await stage.join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
    await befriend(romeo, juliet)
    await phone.settles()

    await refused(
      romeo.asks`<iq type="set"><query xmlns="${NS}"><remove/><username>romeo</username></query></iq>`,
      'bad-request',
      'A removal and nothing else',
    )
    await romeo.asks`<iq type="set"><query xmlns="${NS}"><remove/></query></iq>`
    for (const actor of [romeo, phone]) {
      await actor.client.until(() => actor.client.closed, 'the end of the stream')
      const end = actor.client.inbox.find(({ name }) => name === 'error')
      expect(end?.child('not-authorized', STREAMS)).toBeDefined()
      actor.client.inbox.length = 0
    }
    const told = () => new Set(juliet.unexpected.map(({ attrs }) => attrs['type']))
    await juliet.client.until(() => told().has('unsubscribed') && told().has('unavailable'), 'the end of a friendship')
    for (let tries = 0; tries < 50 && (await stage.host.accounts.store.get('romeo@a.test')); tries++)
      await juliet.fence()
    expect(told()).toEqual(new Set(['unsubscribe', 'unsubscribed', 'unavailable', 'set']))
    await juliet.settles()

    const client = stage.client()
    await client.negotiate('a.test')
    expect(await refusal(client, account('romeo'))).toEqual(['conflict', 'The username is taken'])
    expect(await stage.store.rosters.load('romeo@a.test')).toEqual({ version: '0', items: [] })
  },
)

scenario('XEP-0077 § 3.3: a new password ends the other sessions, and not the one that made it', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone] = await stage.connect('romeo/orchard', 'romeo/phone')
  const shown = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${NS}"/></iq>`
  expect([shown.child('registered')?.name, shown.textOf('username'), shown.textOf('password')]).toEqual([
    'registered',
    'romeo',
    '',
  ])

  await romeo.asks`<iq type="set" to="a.test"><query xmlns="${NS}"><username>romeo</username><password>new one</password></query></iq>`
  await phone.receives`<stream:error><not-authorized xmlns="${STREAMS}"/></stream:error>`
  await romeo.asks`<iq type="get" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`
  await expect(stage.client().login('a.test', 'romeo', 'secret', 'x')).rejects.toThrow('not-authorized')
  await stage.client().login('a.test', 'romeo', 'new one', 'x')
})

scenario('XEP-0077 § 3.3: only one’s own password, and never an empty one', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await stage.account('juliet')

  await refused(
    romeo.asks`<iq type="set" to="a.test"><query xmlns="${NS}"><username>juliet</username><password>mine</password></query></iq>`,
    'not-allowed',
    'That is not your account',
  )
  await refused(
    romeo.asks`<iq type="set" to="juliet@a.test"><query xmlns="${NS}"><remove/></query></iq>`,
    'service-unavailable',
  )
  for (const password of ['', '<password/>'])
    expect(
      (
        await romeo.asksRaw(
          `<iq type="set" to="a.test"><query xmlns="${NS}"><username>romeo</username>${password}</query></iq>`,
        )
      )
        .child('error')
        ?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas'),
    ).toBe('A password is needed')
  await stage.client().login('a.test', 'romeo', 'secret', 'x')
})

scenario('XEP-0077 § 3.3: a host changes nothing for accounts of others', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: ['a.test', 'b.test'] } })
  const [romeo] = await stage.connect('romeo/orchard')

  for (const payload of ['<remove/>', '<username>romeo</username><password>x</password>'])
    expect(
      (await romeo.asksRaw(`<iq type="set" to="b.test"><query xmlns="${NS}">${payload}</query></iq>`))
        .child('error')
        ?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas'),
    ).toBe('Only your own account')
  await refused(
    romeo.asks`<iq type="get" to="b.test"><query xmlns="${NS}"/></iq>`,
    'forbidden',
    'Only your own account',
  )
})
